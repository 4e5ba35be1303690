"""Rights in a cluster: what is ruled at one node holds at all of them, and a node out of touch lets nobody in."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from urllib.error import HTTPError

import pytest

from chatty.protocol import Close
from tests.support.cluster import Cluster, check_agreement, status
from tests.support.faults import Peer, eventually, figure
from tests.support.proxy import Proxy
from tests.support.server import PATIENCE, Server

MIA, EVE = "m" * 32, "e" * 32
STALE_SECONDS = 5.0
"""For how long, at most, a node lets somebody in by rights that are no longer theirs."""
SLACK = 4.0


class Stream:
    """An event stream that is read to its end."""

    def __init__(self, node: Server, room_id: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"{node.url}/v1/rooms/{room_id}/stream", headers=headers)
        self._answer = urllib.request.urlopen(request, timeout=PATIENCE)
        while b'"live"' not in self._answer.readline():
            pass

    def rest(self) -> bytes:
        with self._answer:
            return bytes(self._answer.read())


@pytest.fixture
def closed_room(cluster: Cluster) -> str:
    """A room for those who have a role there."""
    room: str = cluster["a"].operate("POST", "/v1/rooms", {"name": "closed"})["id"]
    cluster["a"].operate("PUT", f"/v1/rooms/{room}/policy", {"everyone": "nobody"})
    return room


def member_of(cluster: Cluster, room_id: str, name: str, role: str = "member") -> str:
    """Somebody with a role in the room, and a token."""
    token: str = cluster["a"].operate("POST", "/v1/tokens", {"name": name})["token"]
    cluster["a"].operate("PUT", f"/v1/rooms/{room_id}/members/{name}", {"role": role})
    return token


def test_a_ruling_at_one_node_cuts_sockets_and_streams_at_another_and_refuses_from_then_on(
    cluster: Cluster, closed_room: str
) -> None:
    a, b = cluster["a"], cluster["b"]
    banned = member_of(cluster, closed_room, "Eve")
    revoked = member_of(cluster, closed_room, "Rob")
    demoted = member_of(cluster, closed_room, "Dee")
    token_of_rob = b.ask("GET", "/v1/me", token=revoked)["token"]
    rulings = [
        (banned, "Eve", "POST", f"/v1/rooms/{closed_room}/restrictions", {"act": "ban", "name": "Eve"}, 403),
        (revoked, "Rob", "DELETE", f"/v1/tokens/{token_of_rob}", None, 401),
        (demoted, "Dee", "PUT", f"/v1/rooms/{closed_room}/members/Dee", {"role": "nobody"}, 404),
    ]
    for token, name, method, path, body, refused in rulings:
        with ExitStack() as stack:
            socket = stack.enter_context(Peer(b, closed_room, name, key=token))
            stream = Stream(b, closed_room, token)
            a.operate(method, path, body)
            told = time.monotonic()
            _, code = socket.rest()
            stream.rest()
            assert time.monotonic() - told <= 1.0 * SLACK
            assert code in (Close.REMOVED, Close.CREDENTIALS_EXPIRED)
            assert status(b, "GET", f"/v1/rooms/{closed_room}", token=token) == refused


def test_a_token_counts_at_other_nodes_at_once_and_an_invitation_is_used_up_everywhere(
    cluster: Cluster, closed_room: str
) -> None:
    a, b, c = (cluster[name] for name in "abc")
    for number in range(10):
        token = member_of(cluster, closed_room, f"new-{number}")
        assert status(b, "GET", f"/v1/rooms/{closed_room}", token=token) == 200
        assert status(c, "GET", f"/v1/rooms/{closed_room}", token=token) == 200
    invitation = a.operate("POST", f"/v1/rooms/{closed_room}/invitations", {"uses": 1})["invitation"]
    shown = {"invitation": invitation}
    told = sorted(
        status(node, "POST", f"/v1/rooms/{closed_room}/admission", shown, token=key)
        for node, key in ((b, MIA), (c, EVE), (a, "x" * 32))
    )
    assert told == [200, 403, 403]


async def test_a_node_that_is_cut_off_lets_nobody_in_by_old_rights_and_comes_back_by_itself(
    cluster: Cluster, closed_room: str
) -> None:
    a, quick = cluster["a"], cluster["c"]
    reader = await asyncio.to_thread(member_of, cluster, closed_room, "Ray", "reader")
    token_id = (await asyncio.to_thread(a.ask, "GET", "/v1/me", token=reader))["token"]
    await asyncio.to_thread(quick.stop)
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(Proxy(server.port)) for server in cluster.nats.servers]
        log = ",".join(proxy.url.replace("http", "nats", 1) for proxy in proxies)
        c = cluster.nodes["c"] = cluster.make("c", "--log", log, port=quick.port)
        try:
            await asyncio.to_thread(c.start)
            # What they have said last is no reason to go on.
            await asyncio.to_thread(eventually, lambda: figure(c, "chatty_log_peers") == 2, "it hears the others")
            loop = asyncio.get_running_loop()

            def freeze(*, on: bool) -> None:
                for proxy in proxies:
                    loop.call_soon_threadsafe(proxy.freeze if on else proxy.heal)

            await asyncio.to_thread(_cut_off, cluster, closed_room, reader, token_id, freeze)
        finally:
            await asyncio.to_thread(c.stop)
            cluster.nodes["c"] = await asyncio.to_thread(quick.start)
    await asyncio.to_thread(check_agreement, cluster)


def _cut_off(cluster: Cluster, room: str, reader: str, token_id: str, freeze: Callable[..., None]) -> None:
    a, c = cluster["a"], cluster["c"]
    asking = [
        ("GET", f"/v1/rooms/{room}"),
        ("GET", f"/v1/rooms/{room}/events"),
        ("GET", "/v1/me"),
        ("GET", "/v1/tokens"),
    ]
    assert {status(c, *one, token=reader) for one in asking} == {200}
    stream = Stream(c, room, reader)
    with Peer(c, room, "Ray", key=reader, join="false") as socket:
        freeze(on=True)
        a.operate("DELETE", f"/v1/tokens/{token_id}")
        ruled = time.monotonic()
        _, code = socket.rest()
        stream.rest()
        assert code == Close.GOING_AWAY
        asked = time.monotonic()
        while 200 in {status(c, *one, token=reader) for one in asking}:
            assert asked - ruled < STALE_SECONDS  # to ask takes its time, too
            time.sleep(0.05)
            asked = time.monotonic()
    assert {status(c, *one, token=reader) for one in asking} == {503}
    with pytest.raises(HTTPError, match="503"):
        Peer(c, room, "Old", seed=True)
    with pytest.raises(HTTPError, match="503"):
        Stream(c, room, reader)
    freeze(on=False)
    c.wait_ready()
    assert {status(c, *one, token=reader) for one in asking} == {401}
