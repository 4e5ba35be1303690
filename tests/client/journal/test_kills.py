"""However often a process is killed, and at whatever moment, each message is in the room once, in order."""

from __future__ import annotations

import os
import tempfile
from collections import deque
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from chatty.client.journal.file import Journal
from chatty.client.journal.outbox import JournaledOutbox
from chatty.client.outbox import Settled
from chatty.protocol import Ack, Error, Producing, Send, decode_command
from tests.client.outbox.test_outbox import Server

ROOM = "room"
TORN = b'{"op":"send","text":"half a mess'


class Kills(RuleBasedStateMachine):
    """Runs of a program, one after another, and a server that is neither killed nor restored."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "journal"
        self.said = 0
        self.refused: list[str] = []
        self.stored: set[str] = set()
        self.producers: dict[str, Server] = {}
        self.begin()

    def begin(self) -> None:
        self.to_server: deque[bytes] = deque()
        self.to_client: deque[Ack | Error | Producing] = deque()
        self.journal = Journal(self.path)
        self.outbox: JournaledOutbox[None] = JournaledOutbox(self.journal, ROOM, "key")
        self.outbox.resume(lambda: None)
        self.outbox.connected("epoch")

    @rule(goods=st.lists(st.booleans(), min_size=1, max_size=4))
    def say(self, goods: list[bool]) -> None:
        for good in goods:
            self.outbox.add(Send(text=f"{'good' if good else 'bad'} {self.said}"), None)
            self.said += 1

    @rule(written=st.integers(1, 5), served=st.integers(1, 6), read=st.integers(0, 6))
    def exchange(self, written: int, served: int, read: int) -> None:
        self.to_server.extend(self.outbox.take(written))
        for _ in range(min(served, len(self.to_server))):
            self.to_client.append(self.heard(self.to_server.popleft()))
        for _ in range(min(read, len(self.to_client))):
            self.read(self.to_client.popleft())

    def heard(self, raw: bytes) -> Ack | Error | Producing:
        return self.room_of(self.outbox.producer).answer(decode_command(raw))

    def room_of(self, producer: str) -> Server:
        """The server's view of one producer, whose messages stand behind those of the earlier ones."""
        return self.producers.setdefault(producer, Server([]))

    def read(self, answer: Ack | Error | Producing) -> None:
        if isinstance(answer, Producing):
            self.note(*self.outbox.producing(answer))
        elif isinstance(answer, Ack):
            self.note(self.outbox.acked(answer))
        elif settled := self.outbox.refused(answer):
            self.note(settled)

    def note(self, *outcomes: Settled[None]) -> None:
        for _, result, command in outcomes:
            assert isinstance(command, Send)
            if isinstance(result, Ack):
                self.stored.add(command.text)
            else:
                assert result.code == "muted", result
                self.refused.append(command.text)

    @rule(heard=st.integers(0, 5), how=st.sampled_from(["cut", "killed", "killed while it writes"]))
    def end(self, heard: int, how: str) -> None:
        """The connection breaks, or all of the process. What was ``heard`` before that is not answered any more."""
        self.hear(heard)
        if how == "cut":
            self.outbox.connected("epoch")
            return
        os.close(self.journal._descriptor)
        if how != "killed" and self.path.stat().st_size:
            self.path.write_bytes(self.path.read_bytes() + TORN)
        self.begin()

    def hear(self, heard: int) -> None:
        for raw in list(self.to_server)[:heard]:
            self.heard(raw)
        self.to_server.clear()
        self.to_client.clear()

    def teardown(self) -> None:
        self.end(0, "cut")
        while len(self.outbox):
            self.exchange(5, 6, 6)
        log = [text for server in self.producers.values() for text in server.log]
        assert log == [f"good {n}" for n in range(self.said) if f"good {n}" in self.stored]
        assert len(self.stored) + len(self.refused) == self.said
        assert all(text.startswith("good") for text in self.stored)
        assert self.refused == sorted(self.refused, key=lambda text: int(text.split()[1]))
        self.outbox.close()
        assert not self.path.exists()
        self.directory.cleanup()


TestKills = Kills.TestCase
TestKills.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
