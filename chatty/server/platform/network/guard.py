"""The guard in front of all handlers decides which requests come in, and answers exceptions as problem documents."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import unquote_to_bytes

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from chatty.errors import Refused
from chatty.server.origins import AllowedHosts, AllowedOrigins, Host, host_of, is_same, origin_of
from chatty.server.platform.network.access.credentials import check_credentials
from chatty.server.platform.network.access.routes import PROBES
from chatty.server.platform.network.addresses import TRUSTED_PROXIES, address_of, is_loopback
from chatty.server.platform.network.connections import connection_of
from chatty.server.platform.network.forwarded import BOTH, host_asked, schemes_of
from chatty.server.platform.network.responses import EVERY_RESPONSE, problem
from chatty.server.platform.pipeline.node import Node
from chatty.server.settings import Settings
from chatty.server.surroundings.best_effort import descriptor_limit

_LOG = structlog.get_logger("chatty")

RESERVE: Final = 64
"""File descriptors that are not for new connections: the store, its readers and established members need some."""

_READ: Final = ("Authorization", "Idempotency-Key", "Last-Event-ID", "Sec-WebSocket-Protocol", "Origin", "Host")
"""The headers whose values this server uses."""

_BY_STATUS: Final = {
    404: "address_not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type",
    426: "upgrade_required",
}  # fmt: skip
_BY_CODE: Final = {
    "unauthorized": {"WWW-Authenticate": "Bearer"},
    "upgrade_required": {"Connection": "upgrade", "Upgrade": "websocket"},
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}


def guard(node: Node) -> Middleware:
    """The middleware that checks every request, and answers exceptions with problem documents."""
    may_ask = _host_check(node.settings)
    limit = descriptor_limit() - RESERVE
    warn_of_proxy = _warning_of_proxy()

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = connection_of(request)
        warn_of_proxy(request)
        try:
            with connection.asked_by(address_of(request)):
                if node.stopping:
                    raise Refused("unavailable", "The server is stopping; try again in a moment.")
                if 0 < limit < _descriptor(request):
                    raise Refused("busy")
                if connection.surplus:
                    raise Refused("too_many_connections", retry_after=10)
                _check_encoding(request)
                may_ask(request)
                check_credentials(request)
                if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
                    return web.Response(status=204, headers=_PREFLIGHT)
                return await handler(request)
        except Refused as error:
            node.metrics.refusals[error.code] += 1
            response = problem(error.code, error.message, status=error.status, headers=refusal_headers(error))
            if error.code == "unauthorized" and "Authorization" in request.headers:
                response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'  # RFC 6750, 3.1
            if error.code in ("busy", "too_many_connections"):
                response.force_close()
            return response
        except web.HTTPException as error:
            if error.status < 400:
                raise
            code = _BY_STATUS.get(error.status, "bad_request")
            node.metrics.refusals[code] += 1
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return problem(code, status=error.status, headers=allow)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - it concerns one request, and is reported
            node.report("a request failed", error)
            node.metrics.refusals["internal"] += 1
            return problem("internal")

    return guarded


def refusal_headers(error: Refused) -> dict[str, str]:
    """The headers that a refusal has besides its body."""
    wait = {"Retry-After": str(math.ceil(error.retry_after))} if error.retry_after else {}
    return _BY_CODE.get(error.code, {}) | wait


def _check_encoding(request: web.Request) -> None:
    """Refuse an address or a header that is not UTF-8, because it could be neither hashed nor stored."""
    try:
        unquote_to_bytes(request.raw_path).decode()
        "".join(request.headers.get(name, "") for name in _READ).encode()
    except UnicodeError:
        raise Refused("bad_request", "The address and the headers must be UTF-8.") from None


def _descriptor(request: web.Request) -> int:
    """The connection's file descriptor. The kernel gives the lowest free one, so it shows how many are open."""
    sock = request.transport.get_extra_info("socket") if request.transport else None
    return int(sock.fileno()) if sock is not None else 0


def response_headers(settings: Settings) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Adjusts the headers of all responses."""
    origins = AllowedOrigins(settings.allowed_origin)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(EVERY_RESPONSE)
        response.headers.pop("Server", None)  # it would name aiohttp's and Python's versions
        given = request.headers.get("Origin", "")
        origin = origin_of(given)
        if origin is not None and origin in origins:  # otherwise a browser keeps the response from the page
            response.headers["Access-Control-Allow-Origin"] = given
            response.headers["Access-Control-Expose-Headers"] = "Location, Retry-After, X-Request-ID"
            response.headers["Vary"] = "Origin"

    return add_headers


def _warning_of_proxy() -> Callable[[web.Request], None]:
    """Logs once that there is a proxy on this machine that nobody named."""
    warned = False

    def warn(request: web.Request) -> None:
        nonlocal warned
        peer = request.remote or ""
        if warned or "X-Forwarded-For" not in request.headers:
            return
        if is_loopback(peer) and peer not in request.app[TRUSTED_PROXIES]:
            warned = True
            _LOG.warning(
                "all clients of a proxy on this machine share the limits of one address",
                hint=f"if the proxy sets X-Forwarded-For itself, start the server with --trusted-proxy {peer}",
            )

    return warn


def _host_check(settings: Settings) -> Callable[[web.Request], None]:
    """Keeps out browsers that were led here by DNS rebinding, or by a page from somewhere else."""
    local = is_loopback(settings.host)
    hosts, origins = AllowedHosts(settings.allowed_host), AllowedOrigins(settings.allowed_origin)

    def check(request: web.Request) -> None:
        text = host_asked(request)
        host = host_of(text)
        known = host is not None and (host in hosts or (local and is_loopback(host.name)))
        if not known and (local or hosts) and request.path not in PROBES:
            shown = host.name if host else text
            raise Refused("not_allowed", f"This server does not answer to the host {shown!r}; see --allowed-host.")
        given = _origin_given(request)
        if given is not None:
            _check_origin(request, given, host)

    def _check_origin(request: web.Request, given: str, host: Host | None) -> None:
        origin = origin_of(given)
        if origin is not None:
            if origin in origins or (host is not None and is_same(origin, host, schemes_of(request, host))):
                return
            if host is not None and is_same(origin, host, BOTH):
                raise Refused(
                    "not_allowed",
                    f"Pages of {given!r} may not use this server by another scheme than their own; "
                    "see --allowed-origin, or --trusted-proxy if a proxy speaks TLS for it.",
                )
        raise Refused("not_allowed", f"Pages of {given!r} may not use this server; see --allowed-origin.")

    return check


def _origin_given(request: web.Request) -> str | None:
    """The page's origin, as a browser says it; None without one. Several become a list, which isn't an origin."""
    # The second one is what versions 7 and 8 of WebSockets call it.
    given = [value for name in ("Origin", "Sec-WebSocket-Origin") for value in request.headers.getall(name, ())]
    return ", ".join(given) if given else None
