"""Attack 10: a spammer with many identities and one address. One command ends it, and one more removes all of it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chatty.access import Deleted, NewDeletion
from chatty.client.http import Http
from chatty.client.rules import Rules
from chatty.protocol import Close
from tests.support.server import PATIENCE, Server

SPAMMERS: Final = 20
MEMBERS: Final = 30
MESSAGES: Final = 1_000
SPAM: Final = "c1ba1t"
THERE: Final = "203.0.113.66"
FILES: Final = ("chatty.db", "chatty.db-wal", "search.db", "search.db-wal")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The test's connections come from where their ``X-Forwarded-For`` says."""
    limits = ("--join-rate", "0", "--message-rate", "0", "--room-rate", "0")
    with Server(tmp_path / "data", "--trusted-proxy", "127.0.0.1", *limits) as running:
        yield running


class Heard(NamedTuple):
    """Everything that a connection got, and the code with which it ended (0: it has not)."""

    frames: list[Any]
    closed: int


class Crowd:
    """A room, and connections to it."""

    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        made = server.make_room()
        self.server, self.id, self.owner = server, made["id"], made["owner_token"]
        self._stack = stack

    def socket(self, name: str, key: str, address: str) -> connect:
        credential = {"Authorization": f"Bearer {key}"} if key else {}
        return connect(
            f"ws://127.0.0.1:{self.server.port}/v1/rooms/{self.id}/ws?name={name}",
            subprotocols=["chatty.v1"],  # type: ignore[list-item]
            additional_headers={"X-Forwarded-For": address, **credential},
            max_queue=None,
        )

    async def enter(self, name: str, key: str, address: str) -> ClientConnection:
        return await self._stack.enter_async_context(self.socket(name, key, address))

    async def rule(self, method: str, path: str, body: Any = None) -> Any:
        return await asyncio.to_thread(self.server.ask, method, f"/v1/rooms/{self.id}{path}", body, token=self.owner)


@pytest.fixture
async def crowd(server: Server) -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack:
        yield Crowd(server, stack)


async def listen(socket: ClientConnection, frames: list[Any]) -> int:
    try:
        while True:
            frames.append(json.loads(await socket.recv()))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


async def spam(socket: ClientConnection, numbers: Iterator[int]) -> None:
    with suppress(ConnectionClosed):
        for number in numbers:
            await socket.send(json.dumps({"op": "send", "text": f"{SPAM} {number}"}))
            await asyncio.sleep(0 if number < MESSAGES else 0.2)


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def planted(server: Server) -> list[str]:
    """The files that have any of the spam."""
    there = [server.data / name for name in FILES if (server.data / name).exists()]
    return [path.name for path in there if SPAM.encode() in path.read_bytes()]


async def test_one_command_ends_the_spam_of_many_identities_and_one_more_removes_it_from_every_file(
    crowd: Crowd, server: Server
) -> None:
    members = [await crowd.enter(f"member{n}", f"{n:043}", f"198.51.100.{n}") for n in range(MEMBERS)]
    # Half of them have keys. The others are another identity with each connection.
    spammers = [await crowd.enter(f"spam{n}", f"{n + 500:043}" if n % 2 else "", THERE) for n in range(SPAMMERS)]
    heard: list[list[Any]] = [[] for _ in members]
    listening = [asyncio.create_task(listen(member, frames)) for member, frames in zip(members, heard, strict=True)]
    ends = [asyncio.create_task(listen(spammer, [])) for spammer in spammers]
    numbers = itertools.count()
    spamming = [asyncio.create_task(spam(spammer, numbers)) for spammer in spammers]
    await members[0].send(json.dumps({"op": "send", "text": "what is this?"}))
    await until(lambda: sum(SPAM in frame.get("text", "") for frame in heard[1]) >= MESSAGES)

    seen = next(frame["seq"] for frame in heard[1] if SPAM in frame.get("text", ""))
    made = await crowd.rule("POST", "/restrictions", {"act": "ban", "of": seen, "reason": "spam"})
    codes = await asyncio.wait_for(asyncio.gather(*ends), PATIENCE)
    await asyncio.gather(*spamming)
    assert codes == [Close.REMOVED] * SPAMMERS, "all are out, also those that the message is not of"
    with pytest.raises(InvalidStatus):
        await crowd.enter("other", "o" * 43, THERE)
    assert made["authors"] == SPAMMERS

    async with Http(server.url, key=crowd.owner) as http:
        done = await Rules(http, crowd.id).delete(NewDeletion(restriction=made["id"], reason="spam"))
    sent = [frame["seq"] for frame in heard[1] if SPAM in frame.get("text", "")]
    assert done == Deleted(len(sent))
    await members[0].send(json.dumps({"op": "send", "text": "thank you"}))
    await until(lambda: all(frames and frames[-1].get("text") == "thank you" for frames in heard))
    for frames in heard:
        events = [frame for frame in frames if "seq" in frame and frame["event_type"] != "ack"]
        assert [event["seq"] for event in events] == list(range(events[0]["seq"], events[-1]["seq"] + 1))
        assert sorted(e["of"] for e in events if e["event_type"] == "message_deleted") == sent
        ban = next(number for number, event in enumerate(events) if event.get("act") == "ban")
        assert not any(SPAM in event.get("text", "") for event in events[ban:]), "nothing of it comes after the ban"
        told = [(event["act"], event.get("reason")) for event in events if event["event_type"] == "moderated"]
        assert told == [("ban", "spam"), ("delete", "spam")]
        assert THERE not in json.dumps(events)
    kept = [event for event in server.history(crowd.id) if event["event_type"] == "message" and event["text"]]
    assert [event["text"] for event in kept] == ["what is this?", "thank you"]
    assert server.ask("GET", f"/v1/rooms/{crowd.id}/events?q={SPAM}")["events"] == []
    await until(lambda: planted(server) == [])
    server.stop()
    assert planted(server) == []
    for task in listening:
        task.cancel()
