"""Heartbeats: once a second the server looks at all connections, and ends those that are silent or stalled.

One sweep looks at all of them, so an idle connection costs no timer. A
connection, a session and an event stream each decide by themselves what to do;
here are the rules that they share.
"""

from __future__ import annotations

import asyncio
import time
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol

from chatty.protocol import PING_SECONDS, PONG_SECONDS, TICK_SECONDS
from chatty.server.platform.pipeline.node import Node

SWEEP_SECONDS: Final = 1.0
AT_ONCE: Final = 250
"""Peers that are looked at before others get their turn of the loop."""
STALL_SECONDS: Final = 10.0
"""How long a peer may take nothing of what waits for it."""


async def sweep(node: Node) -> None:
    """Look at every peer once a second, and send ticks to rooms that are quiet."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        now = node.loop.time()
        for number, peer in enumerate([*node.connections, *node.streams, *node.sessions], 1):
            peer.check(now)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        node.check_rights()
        node.hub.tick(time.monotonic() - TICK_SECONDS)


class Pulse(Enum):
    """The action that a heartbeat asks for."""

    NOTHING = auto()
    PING = auto()
    CUT = auto()


class Heartbeat:
    """Finds out whether a WebSocket's peer is still there.

    It alternates between two states. Idle, since ``idle_since``: after a while
    it asks for a ping. Pinged, at ``ping_sent_at``: anything that the peer
    sends makes it idle again, and too long a silence asks for a cut.
    """

    __slots__ = ("heard", "idle_since", "ping_sent_at")

    def __init__(self) -> None:
        self.heard = True
        """Whether anything came since the ping; the reader sets it."""
        self.idle_since: float | None = None
        self.ping_sent_at: float | None = None

    def check(self, now: float) -> Pulse:
        """What to do; with `Pulse.PING` it counts on the ping being sent. Times are seconds of a steady clock."""
        # Pinged: wait for anything at all, since a busy peer's pong may be behind its messages.
        if self.ping_sent_at is not None:
            if self.heard:
                self.ping_sent_at, self.idle_since = None, now
            elif now - self.ping_sent_at > PONG_SECONDS:
                return Pulse.CUT
        # Idle, from the first look on.
        elif self.idle_since is None:
            self.idle_since = now
        elif now - self.idle_since > PING_SECONDS:
            self.heard = False
            self.ping_sent_at = now
            return Pulse.PING
        return Pulse.NOTHING


class Stall(NamedTuple):
    """The peer had taken ``taken`` bytes at ``since``, and has taken no more."""

    taken: int
    since: float


class Writer(Protocol):
    """Something whose peer may stop reading."""

    stall: Stall | None

    @property
    def written(self) -> int:
        """Bytes that its transport was given."""

    def backlog(self) -> int:
        """Bytes of them that still wait for the peer."""


def is_stalled(writer: Writer, now: float) -> bool:
    """Whether the peer has taken nothing of what waits for it, for ten seconds of being looked at."""
    # A peer that reads slowly takes something, and that is enough: only the hub judges how far it is behind.
    backlog = writer.backlog()
    taken = writer.written - backlog
    if not backlog:
        writer.stall = None
    elif writer.stall is None or writer.stall.taken != taken:
        writer.stall = Stall(taken, now)
    return writer.stall is not None and now - writer.stall.since > STALL_SECONDS
