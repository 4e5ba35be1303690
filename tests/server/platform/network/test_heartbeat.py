"""Heartbeats by a clock of the test's own: a peer that is silent or does not read is cut, and no other."""

from __future__ import annotations

import pytest

from chatty.protocol import PING_SECONDS, PONG_SECONDS, Close
from chatty.server.platform.network.heartbeat import STALL_SECONDS, Heartbeat, Stall
from chatty.server.platform.network.session import Session

PING = b"\x89\x00"


class Peer:
    """A session without a socket."""

    check = Session.check

    def __init__(self) -> None:
        self.connection = self
        self.stall: Stall | None = None
        self.heartbeat = Heartbeat()
        self.written = 0
        self.waiting = 0
        self.pings: list[float] = []
        self.cuts: list[tuple[float, Close]] = []
        self.now = 0.0

    def backlog(self) -> int:
        return self.waiting

    def send(self, blob: bytes) -> None:
        assert blob == PING
        self.pings.append(self.now)

    def cut(self, code: Close) -> None:
        self.cuts.append((self.now, code))

    def live(self, until: float, *, answers: bool = True, reads: int = 0) -> None:
        """Let time go by, with a check every second. The peer ``answers`` or not, and ``reads`` bytes a second."""
        while self.now < until and not self.cuts:
            self.now += 1
            if answers:
                self.heartbeat.heard = True
            self.waiting = max(0, self.waiting - reads)
            self.check(self.now)  # type: ignore[misc]


@pytest.fixture
def peer() -> Peer:
    return Peer()


def test_a_peer_that_answers_is_pinged_every_25_seconds_and_stays(peer: Peer) -> None:
    peer.live(300)
    assert peer.cuts == []
    gaps = {later - sooner for sooner, later in zip(peer.pings, peer.pings[1:], strict=False)}
    assert len(peer.pings) >= 10
    assert all(PING_SECONDS <= gap <= PING_SECONDS + 3 for gap in gaps)


def test_a_peer_that_does_not_answer_is_cut_10_seconds_after_the_ping(peer: Peer) -> None:
    peer.live(300, answers=False)
    ((at, code),) = peer.cuts
    assert code is Close.SILENT
    assert PONG_SECONDS < at - peer.pings[-1] <= PONG_SECONDS + 1


def test_a_peer_that_answers_late_but_in_time_stays(peer: Peer) -> None:
    peer.live(PING_SECONDS + 2, answers=False)
    peer.live(peer.pings[-1] + PONG_SECONDS - 1, answers=False)
    peer.live(2 * PING_SECONDS)
    assert peer.cuts == []


def test_a_peer_that_stops_reading_is_cut_although_it_talks(peer: Peer) -> None:
    peer.written, peer.waiting = 100_000, 50_000
    peer.live(300, reads=0)
    ((at, code),) = peer.cuts
    assert code is Close.SLOW
    assert STALL_SECONDS <= at <= STALL_SECONDS + 2


def test_a_peer_that_reads_slowly_stays(peer: Peer) -> None:
    peer.written, peer.waiting = 100_000, 50_000
    peer.live(100, reads=400)
    assert peer.cuts == []


def test_a_peer_that_has_read_everything_starts_over(peer: Peer) -> None:
    for _ in range(5):
        peer.waiting, peer.written = 1_000, peer.written + 1_000
        peer.live(peer.now + STALL_SECONDS - 1)
        peer.waiting = 0
        peer.live(peer.now + 1)
    assert peer.cuts == []
