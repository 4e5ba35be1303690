FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/chatty
WORKDIR /src
COPY requirements.lock ./
RUN /opt/chatty/bin/pip install -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY docs/chatty.1 docs/
COPY chatty chatty
RUN /opt/chatty/bin/pip install --no-deps .

FROM python:3.11.14-slim-bookworm
COPY --from=build /opt/chatty /opt/chatty
RUN useradd --system --uid 10001 --user-group --create-home chatty \
    && install -d -o chatty -g chatty -m 0700 /data
# Options of serve and variables of the user's go before these; what commands remember lies in the volume, too.
ENV PATH=/opt/chatty/bin:$PATH PYTHONUNBUFFERED=1 \
    CHATTY_HOST=0.0.0.0 CHATTY_ACCESS=open CHATTY_DATA=/data XDG_STATE_HOME=/data/state
USER 10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --start-interval=1s \
    CMD ["python", "-m", "chatty", "healthcheck"]
ENTRYPOINT ["chatty"]
CMD ["serve"]
