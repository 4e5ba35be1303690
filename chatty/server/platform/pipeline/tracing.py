"""Traces of requests and commits for OpenTelemetry.

Nothing imports this module or OpenTelemetry unless the settings ask for traces.
Where they go to follows from the standard variables (``OTEL_EXPORTER_OTLP_ENDPOINT``,
``OTEL_SERVICE_NAME``, ``OTEL_TRACES_SAMPLER`` …), which OpenTelemetry reads itself.

A span is made when what it is about is over. So nothing of it is carried along
on the way, and a span never holds what is secret: no address, only its pattern.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Final

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from chatty._version import __version__

FLUSH_SECONDS: Final = 2.0
"""How long the server waits at its end for the last spans to be sent."""


class Tracing:
    """Sends spans to a collector, from a thread of its own. What can't be sent is dropped."""

    def __init__(self, incarnation: str) -> None:
        """``incarnation`` tells this run of the process from others."""
        named = OTELResourceDetector().detect().attributes
        about = {"service.name": "chatty", "service.version": __version__, "service.instance.id": incarnation}
        self._provider = TracerProvider(resource=Resource.create({**about, **named}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("chatty", __version__)

    def request(
        self, headers: Mapping[str, str], method: str, route: str, status: int, request_id: str, seconds: float
    ) -> None:
        """A request was answered, after so many seconds. Its ``traceparent`` says which trace it is part of."""
        attributes: dict[str, AttributeValue] = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "chatty.request_id": request_id,
        }
        self._span(
            f"{method} {route}", SpanKind.SERVER, seconds, attributes, propagate.extract(headers), failed=status >= 500
        )

    def batch(self, entries: int, events: int, commit_seconds: float, seconds: float) -> None:
        """A batch was committed, which took ``commit_seconds``, and delivered, ``seconds`` after its first entry."""
        attributes: dict[str, AttributeValue] = {
            "chatty.entries": entries,
            "chatty.events": events,
            "chatty.commit_seconds": commit_seconds,
        }
        self._span("commit", SpanKind.INTERNAL, seconds, attributes, Context())

    def _span(
        self,
        name: str,
        kind: SpanKind,
        seconds: float,
        attributes: dict[str, AttributeValue],
        parent: Context,
        *,
        failed: bool = False,
    ) -> None:
        ended = time.time_ns()
        span = self._tracer.start_span(
            name, parent, kind, attributes, start_time=ended - round(seconds * 1e9)
        )  # fmt: skip
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    async def close(self) -> None:
        """Send the last spans, for at most two seconds: a collector that is down must not hold up the server's end."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=shut_down, name="traces", daemon=True).start()
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await sent.wait()
        except TimeoutError:
            pass
