"""What is noted of requests: how long they took by route and status, and the ones that failed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from websockets.asyncio.client import connect

from chatty.server.platform.network.watching import LINES
from tests.server.asking import ask
from tests.support.server import Server


def counts(server: Server, name: str) -> dict[str, int]:
    page = ask(server, "GET", "/metrics").body.decode()
    found = re.findall(rf"^chatty_{name}_seconds_count{{(.*)}} (\S+)$", page, re.MULTILINE)
    return {labels: int(float(count)) for labels, count in found}


def test_requests_are_counted_by_their_route_and_never_by_the_rooms_id(server: Server, room: str) -> None:
    for path in (f"/v1/rooms/{room}", "/v1/rooms/none", f"/v1/rooms/{room}"):
        ask(server, "GET", path)
    shown = counts(server, "request")
    assert shown['method="GET",route="/v1/rooms/{room}",status="200"'] == 2
    assert shown['method="GET",route="/v1/rooms/{room}",status="404"'] == 1
    assert room not in "".join(shown)


def test_strangers_make_no_new_series(server: Server) -> None:
    for method, path in (("GET", "/one"), ("GET", "/two"), ("PATCH", "/healthz"), ("PUT", "/three")):
        ask(server, method, path)
    shown = {labels for labels in counts(server, "request") if "other" in labels}
    assert shown == {'method="other",route="other",status="404"', 'method="other",route="other",status="405"'}


async def test_a_handshake_is_counted_when_it_is_done_and_not_when_the_connection_ends(
    server: Server, room: str
) -> None:
    async with connect(f"ws://127.0.0.1:{server.port}/v1/rooms/{room}/ws?name=Ada") as socket:
        await socket.recv()
        assert counts(server, "handshake")['route="/v1/rooms/{room}/ws"'] == 1
    assert not any("/ws" in labels for labels in counts(server, "request"))


REFUSING = """
from chatty.errors import Refused
from chatty.server.platform.network import rooms
async def refuse(self, request):
    raise Refused("unavailable")
rooms.RoomHandlers.show = refuse
from chatty.cli import main
main()
"""


def test_a_flood_of_failures_is_counted_and_does_not_flood_the_log(tmp_path: Path) -> None:
    """A full disk fails every message, perhaps a thousand a second."""
    many = 3 * int(LINES)
    with Server(tmp_path / "data", "--log-format", "json", program=(sys.executable, "-c", REFUSING)) as server:
        line = server.line()
        for _ in range(many):
            line.request("GET", "/v1/rooms/any")
            line.getresponse().read()
        line.close()
        shown = counts(server, "request")['method="GET",route="/v1/rooms/{room}",status="503"']
        logged = [line for line in map(json.loads, server.log.splitlines()) if line.get("status") == 503]
    assert shown == many
    assert LINES <= len(logged) < many
