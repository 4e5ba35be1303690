"""A subscriber whose connection is a list of bytes, and the events to send it."""

from __future__ import annotations

import json
from typing import Any

from chatty.events import Happening, Message
from chatty.protocol import Close, encode
from chatty.server.platform.network.dialects import V1
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.subscriber import Dialect, Subscriber
from chatty.server.platform.store.applied import StoredEvent
from tests.server.principals import NOBODY

ROOM = "a room"
AT = "2026-11-23T12:00:00.123Z"


class Line:
    """A connection that remembers what was written, and whose buffer is as full as the test says."""

    def __init__(self) -> None:
        self.written = b""
        self.waiting = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.waiting


class Closed(Line):
    """Behaves as a closed transport of uvloop."""

    attempts = 0

    def write(self, data: bytes) -> None:
        self.attempts += 1
        raise RuntimeError("unable to perform operation; the handler is closed")


class Listener(Subscriber):
    """A subscriber that remembers everything it was sent, and why it was cut."""

    def __init__(self, hub: Hub, line: Line | None = None, dialect: Dialect = V1, room: str = ROOM) -> None:
        super().__init__(dialect, room, NOBODY)
        self.hub = hub
        self.line = line or Line()
        self.cuts: list[Close] = []
        self.connect(self.line)

    def now(self) -> int:
        return 0

    async def drained(self) -> None:
        """Its line takes everything at once."""

    def cut(self, code: Close) -> None:
        self.cuts.append(code)

    @property
    def frames(self) -> list[Any]:
        return [json.loads(payload) for payload in payloads(self.line.written)]

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames]


def payloads(written: bytes) -> list[bytes]:
    """The texts in whole, unmasked frames."""
    found = []
    while written:
        assert written[0] == 0x81
        begin, size = 2, written[1]
        if size == 126:
            begin, size = 4, int.from_bytes(written[2:4])
        found.append(written[begin : begin + size])
        written = written[begin + size :]
    return found


def stored(event: Happening) -> StoredEvent:
    return event.seq, encode(event), event


def said(*seqs: int) -> list[StoredEvent]:
    return [stored(Message(seq, AT, "Ada", f"number {seq}")) for seq in seqs]


def listening(hub: Hub, position: int = 0, line: Line | None = None, dialect: Dialect = V1) -> Listener:
    subscriber = Listener(hub, line, dialect)
    hub.attach(subscriber, position)
    hub.go_live(subscriber, "epoch")
    return subscriber
