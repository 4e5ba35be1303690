"""Traces come to a real receiver of OTLP over HTTP; without --tracing, nothing of OpenTelemetry is even loaded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from websockets.asyncio.client import connect

from tests.server.asking import ask
from tests.support.server import Server, free_port

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
PARENT: Final = "b7ad6b7169203331"


class Span:
    """A span as it came."""

    def __init__(self, span: Any, resource: dict[str, Any]) -> None:
        self.name: str = span.name
        self.trace: str = span.trace_id.hex()
        self.parent: str = span.parent_span_id.hex()
        self.is_error: bool = span.status.code == 2
        self.seconds: float = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        self.attributes = _plain(span.attributes)
        self.resource = resource


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


class Receiver:
    """A collector that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.raw = b""
        self._came = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        body = await request.read()
        self.raw += body
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _plain(of_resource.resource.attributes)
            self.spans += [Span(span, resource) for scope in of_resource.scope_spans for span in scope.spans]
        self._came.set()
        return web.Response(content_type="application/x-protobuf")

    async def span(self, name: str) -> Span:
        """The first span of this name, when it has come."""
        while True:
            for span in self.spans:
                if span.name == name:
                    return span
            self._came.clear()
            await self._came.wait()


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    receiver, app, port = Receiver(), web.Application(), free_port()
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield receiver, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_each_request_and_each_commit_becomes_a_span(tmp_path: Path) -> None:
    async with receiving() as (receiver, url):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        server = Server(tmp_path / "data", "--tracing", "otlp", env=env)
        await asyncio.to_thread(server.start)
        try:
            room = (await asyncio.to_thread(server.make_room))["id"]
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "traced"}
            await asyncio.to_thread(ask, server, "GET", f"/v1/rooms/{room}", headers=headers)
            span = await receiver.span("GET /v1/rooms/{room}")
            assert (span.trace, span.parent, span.is_error) == (TRACE, PARENT, False)
            assert span.attributes == {
                "http.request.method": "GET",
                "http.route": "/v1/rooms/{room}",
                "http.response.status_code": 200,
                "chatty.request_id": "traced",
            }
            assert span.seconds > 0
            assert span.resource["service.name"] == "chatty"
            async with connect(f"ws://127.0.0.1:{server.port}/v1/rooms/{room}/ws?name=Ada"):
                handshake = await receiver.span("GET /v1/rooms/{room}/ws")  # while the connection is open
            assert (handshake.attributes["http.response.status_code"], handshake.parent) == (101, "")
            commit = await receiver.span("commit")
            assert (commit.attributes["chatty.entries"], commit.parent) == (1, "")
            assert 0 < commit.attributes["chatty.commit_seconds"] <= commit.seconds
            assert await asyncio.to_thread(server.stop) == 0
        finally:
            server.kill9()
        assert room.encode() not in receiver.raw


async def test_the_last_spans_are_sent_when_the_server_stops(tmp_path: Path) -> None:
    async with receiving() as (receiver, url):
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_SERVICE_NAME": "our-chat",
        }  # fmt: skip
        server = Server(tmp_path / "data", "--tracing", "otlp", env=env)
        await asyncio.to_thread(server.start)
        try:
            assert receiver.spans == []
            assert await asyncio.to_thread(server.stop) == 0
        finally:
            server.kill9()
        assert (await receiver.span("GET /readyz")).resource["service.name"] == "our-chat"


def test_a_collector_that_is_down_is_in_nobodys_way(tmp_path: Path) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with Server(tmp_path / "data", "--tracing", "otlp", env=env) as server:
        room = server.make_room()["id"]
        assert ask(server, "GET", f"/v1/rooms/{room}").status == 200
        assert server.stop() == 0
    assert room not in server.log


LOADED = """
import sys
from chatty.cli import main
from chatty.server import app
run = app.run
def run_and_tell(*given):
    status = run(*given)
    loaded = sorted(name for name in sys.modules if name.startswith(("opentelemetry", "google.protobuf", "requests")))
    print("LOADED", loaded, file=sys.stderr, flush=True)
    return status
app.run = run_and_tell
main()
"""


@pytest.mark.parametrize(("options", "loads"), [((), False), (("--tracing", "otlp"), True)])
def test_nothing_of_opentelemetry_is_loaded_unless_traces_are_wanted(
    tmp_path: Path, options: tuple[str, ...], loads: bool
) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with Server(tmp_path / "data", *options, env=env, program=(sys.executable, "-c", LOADED)) as server:
        server.make_room()
        assert server.stop() == 0
        (line,) = [line for line in server.log.splitlines() if line.startswith("LOADED")]
    assert (line != "LOADED []") == loads
