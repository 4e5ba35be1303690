"""Frames that wait for their reader, and the positions of both in the room. No I/O."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from chatty.events import Event, Happening, RoomClosed, StreamPosition
from chatty.protocol import Frame, Gap, Live, Tick, Unknown, Welcome

__all__ = ["HELD_BYTES", "Inbox", "Received"]

HELD_BYTES: Final = 4 * 1024 * 1024
"""How many bytes may wait for a reader, by a rough count: at least 6,000 short messages, or 40 of the longest."""

_OVERHEAD = 512  # bytes of Python objects that a short frame costs beside its text


class Received(NamedTuple):
    """A frame, its JSON text, and the position from which a reader that has taken it would resume."""

    frame: Frame | Unknown
    raw: str
    cursor: StreamPosition


class Inbox:
    """Events in order, each once, whatever the connections do that they come by.

    Two positions: `seen` is that of the newest event held (a new connection
    resumes there), `cursor` that of the reader. ``since``, ``epoch`` and
    ``last`` say where to begin, as in `chatty.join`.

    When more than ``limit`` bytes wait for a reader that does not come, the
    inbox is told to `overflow`: from then on it drops new frames, and keeps its
    position. A reader that has taken all held frames finds it `behind`: a new
    connection then brings the rest.
    """

    def __init__(
        self,
        *,
        since: int | None = None,
        epoch: str | None = None,
        last: int | None = None,
        limit: int = HELD_BYTES,
    ) -> None:
        self.seen = None if since is None else StreamPosition(epoch or "", since)
        self.cursor = self.seen or StreamPosition("", 0)
        self.closed = False  # the room's last event is held, or was
        self._last = last
        self._limit = limit
        self._epoch: str  # of the present connection, from its welcome on
        self._held: deque[Received] = deque()
        self._bytes = 0
        self.connected()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def full(self) -> bool:
        """Whether as much waits for the reader as may."""
        return self._bytes >= self._limit

    @property
    def roomy(self) -> bool:
        """Whether so little waits that reading should go on."""
        return self._bytes <= self._limit // 2

    @property
    def complete(self) -> bool:
        """Whether nothing is missing of a room that has closed: its last event came, or was before the beginning."""
        return self.closed or (self._live and not self.behind)

    def question(self) -> dict[str, str]:
        """The query for a new connection: to resume where this inbox is, or to begin."""
        if self.seen is not None:
            query = {"since": str(self.seen.seq)}
            return {**query, "epoch": self.seen.epoch} if self.seen.epoch else query
        return {} if self._last is None else {"last": str(self._last)}

    def connected(self) -> None:
        """A new connection was opened with `question`: its frames follow those that are held."""
        self.behind = False
        self._live = False  # whether replay is over
        self._exact = self.seen is not None  # whether the next event must be number `seen` + 1

    def put(self, frame: Frame | Unknown, raw: str) -> bool:
        """Takes a frame, in order. False: something is missing before it; open a new connection."""
        if self.behind or self.closed:
            return True
        if isinstance(frame, Event) or (type(frame) is Unknown and frame.seq is not None):
            return self._put_event(frame, raw)
        if type(frame) is Welcome:
            self._welcome(frame)
        elif type(frame) is Gap:
            self.seen = StreamPosition(self._epoch, frame.last if frame.reason == "ahead" else frame.first - 1)
        elif type(frame) is Live:
            if self._exact and self._ahead(frame.last):
                return False
            if not self._exact:
                self.seen = StreamPosition(self._epoch, max(frame.last, self.seen.seq if self.seen else 0))
            self._live = self._exact = True
        elif type(frame) is Tick and self._exact and self._ahead(frame.last):
            return False
        self._hold(frame, raw)
        return True

    def overflow(self) -> None:
        """Drops frames from here on: the reader doesn't keep up."""
        self.behind = True

    def get(self) -> Received | None:
        """The oldest frame held, which the reader has with this."""
        if not self._held:
            return None
        received = self._held.popleft()
        self._bytes -= len(received.raw) + _OVERHEAD
        self.cursor = received.cursor
        return received

    def _welcome(self, welcome: Welcome) -> None:
        self._epoch = welcome.epoch
        if self.seen is None:
            self.cursor = StreamPosition(welcome.epoch, 0 if self._last else welcome.last)
            if not self._last:
                self.seen = self.cursor
        elif not self.seen.epoch:
            self.seen = StreamPosition(welcome.epoch, self.seen.seq)
            self.cursor = self.seen

    def _put_event(self, event: Happening | Unknown, raw: str) -> bool:
        seq = event.seq
        assert seq is not None
        if self.seen is not None and self.seen.epoch == self._epoch and seq <= self.seen.seq:
            return True
        if self._exact and self.seen != (self._epoch, seq - 1):
            return False
        self.seen = StreamPosition(self._epoch, seq)
        self._hold(event, raw)
        self.closed = type(event) is RoomClosed
        return True

    def _ahead(self, last: int) -> bool:
        return self.seen is not None and last > self.seen.seq

    def _hold(self, frame: Frame | Unknown, raw: str) -> None:
        self._held.append(Received(frame, raw, self.seen or self.cursor))
        self._bytes += len(raw) + _OVERHEAD
