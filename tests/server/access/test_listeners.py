"""Attack 8: a right that is lost is lost for those who listen, too, before the next event, and after a crash."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chatty.protocol import Close
from tests.support.server import PATIENCE, Server

EVE: Final = "e" * 43
LATER: Final = "for those who may"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(
        tmp_path_factory.mktemp("server") / "data", "--join-rate", "0", "--read-rate", "0", "--message-rate", "0"
    ) as running:
        yield running


class Place:
    """A room, and its owner, who rules."""

    def __init__(self, server: Server) -> None:
        made = server.make_room()
        self.server, self.id, self.owner = server, made["id"], made["owner_token"]

    async def rule(self, method: str, path: str, body: Any) -> Any:
        return await asyncio.to_thread(self.server.ask, method, f"/v1/rooms/{self.id}{path}", body, token=self.owner)

    async def say(self, text: str) -> None:
        await self.rule("POST", "/messages", {"participant": "owner", "text": text})

    def socket(self, path: str, key: str = EVE) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.server.port}{path}",
            subprotocols=["chatty.v1"] if path.startswith("/v1") else None,  # type: ignore[list-item]
            additional_headers={"Authorization": f"Bearer {key}"} if key else {},
            max_queue=None,
        )


@pytest.fixture
def place(server: Server) -> Place:
    return Place(server)


RULINGS: Final[dict[str, Callable[[Place], Any]]] = {
    "ban": lambda place: place.rule("POST", "/restrictions", {"act": "ban", "name": "Eve"}),
    "role": lambda place: place.rule("PUT", "/members/Eve", {"role": "poster"}),
    "policy": lambda place: place.rule("PUT", "/policy", {"everyone": "nobody"}),
}

LISTENERS: Final = {
    "member": "/v1/rooms/{room}/ws?name=Eve",
    "reader": "/v1/rooms/{room}/ws?join=false",
    "original": "/chat/join?name=Eve&room={room}",
}


@asynccontextmanager
async def eve_in(place: Place) -> AsyncIterator[None]:
    """Eve is in the room, so that a ruling finds her by her name."""
    async with place.socket(f"/v1/rooms/{place.id}/ws?name=Eve") as eve:
        await eve.recv()
        yield


async def heard_to_the_end(socket: ClientConnection) -> tuple[list[str], int]:
    """The texts of all messages until the connection is closed, and the code with which that happens."""
    texts: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = json.loads(await socket.recv())
                if "text" in frame:
                    texts.append(frame["text"])
    except ConnectionClosed as closed:
        return texts, closed.rcvd.code if closed.rcvd else 0


@pytest.mark.parametrize("ruling", RULINGS)
@pytest.mark.parametrize("listener", LISTENERS)
async def test_a_socket_ends_before_the_next_event(place: Place, ruling: str, listener: str) -> None:
    async with eve_in(place), place.socket(LISTENERS[listener].format(room=place.id)) as socket:
        await socket.recv()
        await place.say("for all")
        await RULINGS[ruling](place)
        await place.say(LATER)
        assert await heard_to_the_end(socket) == (["for all"], Close.REMOVED)


@pytest.mark.parametrize("ruling", RULINGS)
async def test_an_event_stream_ends_before_the_next_event(place: Place, ruling: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", place.server.port)
    writer.write(
        f"GET /v1/rooms/{place.id}/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {EVE}\r\n\r\n".encode()
    )
    async with eve_in(place):
        await reader.readuntil(b"live")
        await place.say("for all")
        await RULINGS[ruling](place)
        await place.say(LATER)
        rest = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    assert b"for all" in rest
    assert LATER.encode() not in rest


@pytest.mark.parametrize("ruling", RULINGS)
async def test_a_reader_that_is_catching_up_gets_no_later_event(place: Place, ruling: str) -> None:
    async with place.socket(f"/v1/rooms/{place.id}/ws?name=Owner", place.owner) as owner:
        for n in range(400):
            await owner.send(json.dumps({"op": "send", "text": f"{n} " + "x" * 16_000}))
        async with eve_in(place):
            # It reads nothing, so the server is in the middle of the history when it hears of the ruling.
            slow = connect(
                f"ws://127.0.0.1:{place.server.port}/v1/rooms/{place.id}/ws?join=false&since=0",
                subprotocols=["chatty.v1"],  # type: ignore[list-item]
                additional_headers={"Authorization": f"Bearer {EVE}"},
                max_queue=1,
            )
            async with slow as socket:
                await socket.recv()
                await RULINGS[ruling](place)
                await place.say(LATER)
                texts, code = await heard_to_the_end(socket)
    assert code == Close.REMOVED
    assert LATER not in texts
    assert len(texts) < 400


@pytest.mark.parametrize("ruling", ["ban", "policy"])
async def test_one_in_its_handshake_gets_no_later_event(place: Place, ruling: str) -> None:
    ruled = asyncio.Event()

    async def enter(number: int) -> tuple[list[str], int]:
        path = list(LISTENERS.values())[number % len(LISTENERS)].format(room=place.id)
        if number >= 12:
            await ruled.wait()  # the other half of them begins while the ruling is under way
        try:
            async with place.socket(path) as socket:
                return await heard_to_the_end(socket)
        except InvalidStatus as refused:
            return [], refused.response.status_code

    async with eve_in(place), asyncio.TaskGroup() as group:
        entering = [group.create_task(enter(number)) for number in range(24)]
        ruling_done = group.create_task(RULINGS[ruling](place))
        ruled.set()
        await ruling_done
        await place.say(LATER)
    outcomes = [task.result() for task in entering]
    assert all(LATER not in texts for texts, _ in outcomes)
    assert {code for _, code in outcomes} <= {Close.REMOVED, 403, 404}


async def test_a_muted_one_is_told_and_stays(place: Place) -> None:
    async with place.socket(f"/v1/rooms/{place.id}/ws?name=Eve") as eve:
        await eve.recv()
        await place.rule("POST", "/restrictions", {"act": "mute", "name": "Eve"})
        await place.say("for all")
        await eve.send(json.dumps({"op": "send", "text": "may I?", "ref": "1"}))
        frames = [json.loads(await eve.recv()) for _ in range(4)]
    kinds = [frame["event_type"] for frame in frames if frame["event_type"] != "live"]
    assert kinds == ["participant_joined", "you", "message"][-len(kinds) :] or "you" in kinds
    assert {"event_type": "you", "can": ["read"]} in frames


async def test_a_kick_ends_the_participant_s_connections_and_nobody_else_s(place: Place) -> None:
    async with AsyncExitStack() as stack:
        path = f"/v1/rooms/{place.id}/ws?name=Eve"
        eve, again = [await stack.enter_async_context(place.socket(path)) for _ in range(2)]
        other = await stack.enter_async_context(place.socket(path.replace("Eve", "Bob"), "b" * 43))
        await place.rule("POST", "/kick", {"name": "Eve", "reason": "tea is ready"})
        await place.say(LATER)
        for socket in (eve, again):
            assert await heard_to_the_end(socket) == ([], Close.REMOVED)
        frame: Any = {}
        while frame.get("text") != LATER:
            frame = json.loads(await other.recv())
            if frame["event_type"] == "participant_left":
                assert (frame["participant"], frame["reason"]) == ("Eve", "kicked")
        async with place.socket(path) as back:  # it is sent away, not kept out
            assert json.loads(await back.recv())["event_type"] == "welcome"


@pytest.mark.parametrize("listener", LISTENERS)
async def test_a_revoked_token_s_sockets_end_and_ask_for_another(place: Place, listener: str) -> None:
    name = f"ci-{listener}"
    issued = await asyncio.to_thread(place.server.operate, "POST", "/v1/tokens", {"name": name})
    path = LISTENERS[listener].format(room=place.id).replace("name=Eve&", "").replace("name=Eve", "")
    async with place.socket(path, issued["token"]) as socket:
        await socket.recv()
        await place.say("for all")
        await asyncio.to_thread(place.server.operate, "DELETE", f"/v1/tokens/{issued['id']}")
        await place.say(LATER)
        texts, code = await heard_to_the_end(socket)
    assert (LATER in texts, code) == (False, Close.CREDENTIALS_EXPIRED)
    with pytest.raises(InvalidStatus) as refused:
        async with place.socket(path, issued["token"]):
            pass
    assert refused.value.response.status_code == 401


async def test_a_role_that_ends_by_itself_ends_the_connection(place: Place) -> None:
    async with eve_in(place):
        await place.rule("PUT", "/members/Eve", {"role": "member", "expires_in": 1.5})
        await place.rule("PUT", "/policy", {"everyone": "nobody"})
        async with place.socket(f"/v1/rooms/{place.id}/ws?join=false") as socket:
            _, code = await heard_to_the_end(socket)
    assert code == Close.REMOVED


async def test_all_of_it_holds_after_a_crash(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        place = Place(server)
        async with eve_in(place):
            await RULINGS["ban"](place)
            await place.rule("PUT", "/policy", {"topic": "moderator"})
            await asyncio.to_thread(server.crash)
        for path in LISTENERS.values():
            with pytest.raises(InvalidStatus) as refused:
                async with place.socket(path.format(room=place.id)):
                    pass
            assert refused.value.response.status_code == 403
        assert server.ask("GET", f"/v1/rooms/{place.id}/policy")["topic"] == "moderator"
        history = server.history(place.id)
    assert [(event["event_type"], event.get("reason")) for event in history] == [
        ("participant_joined", None), ("moderated", None), ("participant_left", "kicked"),
    ]  # fmt: skip
