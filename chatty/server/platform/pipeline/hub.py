"""The hub knows who listens to which room, and delivers to them what happens there.

An event is encoded once for each dialect in the room. Everything that happens
in a room with one commit becomes one blob, and each subscriber gets that blob
with one write to its transport. The transport's buffer is all the backpressure
there is: a subscriber with too much waiting in it is cut, and resumes later.
A room never waits for one reader.

A subscriber goes through these states, always in this order:

    held    since `attach`: catching up reads history for it, and the hub keeps
            for it what happens meanwhile
    fresh   since `go_live`: it has the events that were kept, and gets those
            that follow; the first batch may still contain some that it has read
    live    since its first batch: it is one of an audience
    gone    since `detach`
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from chatty.events import RoomClosed
from chatty.protocol import Close
from chatty.server.memory_limit import PLENTY
from chatty.server.platform.pipeline.subscriber import Audience, Dialect, Subscriber
from chatty.server.platform.store.applied import StoredEvent

MOST_HELD: Final = 4096
"""Events that are held for a subscriber between its last page and the live flow."""


class _Room:
    __slots__ = ("active_at", "epoch", "fresh", "held", "last", "live")

    def __init__(self) -> None:
        self.epoch = ""
        self.held: dict[Subscriber, None] = {}
        self.fresh: dict[Subscriber, None] = {}
        self.live: dict[Dialect, Audience] = {}
        self.last = 0
        self.active_at = time.monotonic()

    def listening(self) -> Iterator[Subscriber]:
        """The subscribers that get things as they happen."""
        yield from self.fresh
        for audience in self.live.values():
            yield from audience.subscribers

    def is_empty(self) -> bool:
        return not self.held and not self.fresh and not any(audience.subscribers for audience in self.live.values())


class Hub:
    """All of this node's subscribers by room. Used on the event loop alone."""

    def __init__(self, most_waiting: int = PLENTY.waiting) -> None:
        """``most_waiting`` is how many bytes may wait for a subscriber before it is cut as a slow reader."""
        self._most_waiting = most_waiting
        self._rooms: dict[str, _Room] = {}
        self._answers: dict[Subscriber, list[bytes]] = {}
        self.delivered = 0
        self.resumes = 0
        """Subscribers that went on from where they had been."""
        self.gaps: Counter[str] = Counter(epoch=0, ahead=0, retention=0)
        """Of those that could not go on exactly there, by the reason."""

    @property
    def room_count(self) -> int:
        """Rooms with a subscriber here."""
        return len(self._rooms)

    # --- a subscriber's states ------------------------------------------------------------------------------

    def attach(self, subscriber: Subscriber, position: int) -> None:
        """From now on hold for ``subscriber`` what happens after ``position``."""
        subscriber.position = position
        subscriber.held = []
        self._rooms.setdefault(subscriber.room_id, _Room()).held[subscriber] = None

    def go_live(self, subscriber: Subscriber, epoch: str) -> None:
        """Send ``subscriber`` the held events beyond its position. From here on it gets events as they happen."""
        room = self._rooms.get(subscriber.room_id)
        if room is None or subscriber.held is None or subscriber not in room.held:
            return  # it was detached meanwhile
        # From held to fresh. Catching up may have read some of the held events from the store.
        del room.held[subscriber]
        held = [stored for stored in subscriber.held if stored[0] > subscriber.position]
        subscriber.held = None
        room.epoch = epoch or room.epoch
        room.fresh[subscriber] = None
        if held:
            self._write(subscriber, subscriber.dialect.events(held, room.epoch))
            subscriber.position = held[-1][0]
            if type(held[-1][2]) is RoomClosed:
                self.detach(subscriber)
                subscriber.cut(Close.ROOM_CLOSED)
        room.last = max(room.last, subscriber.position)

    def detach(self, subscriber: Subscriber) -> None:
        """``subscriber`` gets nothing more."""
        room = self._rooms.get(subscriber.room_id)
        if room is None:
            return
        room.held.pop(subscriber, None)
        room.fresh.pop(subscriber, None)
        if subscriber.audience:
            subscriber.audience.dismiss(subscriber)
        self._answers.pop(subscriber, None)
        if room.is_empty():
            self._rooms.pop(subscriber.room_id, None)

    # --- delivering a batch: first the answers, then each room's events --------------------------------------

    def answer(self, subscriber: Subscriber, frame: bytes) -> None:
        """Send ``frame`` to ``subscriber`` alone, before any event of the batch that is being delivered."""
        waiting = self._answers.get(subscriber)
        if waiting is None:
            self._answers[subscriber] = [frame]
        else:
            waiting.append(frame)

    def flush_answers(self) -> None:
        """Write the answers that were collected."""
        answers, self._answers = self._answers, {}  # a slow subscriber is cut, which forgets its answers
        for subscriber, frames in answers.items():
            self._write(subscriber, b"".join(frames))

    def publish(self, room_id: str, events: Sequence[StoredEvent]) -> None:
        """Deliver what happened in a room to its subscribers."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        room.last, room.active_at = events[-1][0], time.monotonic()
        slow: list[Subscriber] = []
        gone: list[Subscriber] = []
        # Held: keep the events for later, but not without limit.
        for subscriber in room.held:
            assert subscriber.held is not None
            subscriber.held.extend(events)
            if len(subscriber.held) > MOST_HELD:
                slow.append(subscriber)
        # Live: one blob for each dialect, and one write for each subscriber.
        for dialect, audience in room.live.items():
            if not audience.subscribers:
                continue
            if blob := dialect.events(events, room.epoch):
                self.delivered += len(audience.subscribers) * len(events)
                late, lost = audience.send(blob)
                slow += late
                gone += lost
        # Fresh: after the live ones, because they join an audience now.
        if room.fresh:
            self._publish_to_fresh(room, events)
        # Only now, because a cut changes the audiences that were iterated over.
        for subscriber in gone:
            self.detach(subscriber)
        for subscriber in slow:
            self._cut_slow(subscriber)
        # Nothing follows a room's end. Held subscribers get it when they go live.
        if type(events[-1][2]) is RoomClosed:
            for subscriber in list(room.listening()):
                self.detach(subscriber)
                subscriber.cut(Close.ROOM_CLOSED)

    def _publish_to_fresh(self, room: _Room, events: Sequence[StoredEvent]) -> None:
        """Deliver to subscribers that just went live.

        They may have read some of these events already: the store shows a
        commit slightly before the hub does.
        """
        for subscriber in list(room.fresh):
            new = [stored for stored in events if stored[0] > subscriber.position]
            if new:
                # From here on everything is new to it.
                del room.fresh[subscriber]
                room.live.setdefault(subscriber.dialect, Audience(self._most_waiting)).admit(subscriber)
                self.delivered += len(new)
                self._write(subscriber, subscriber.dialect.events(new, room.epoch))

    # --- beside the log -------------------------------------------------------------------------------------

    def show_typing(self, room_id: str, name: str, typist: object = None) -> None:
        """Show a room's subscribers except ``typist`` that ``name`` is writing; those that are behind miss it."""
        room = self._rooms.get(room_id)
        frames: dict[Dialect, bytes] = {}
        for other in room.listening() if room else ():
            if other.dialect not in frames:
                frames[other.dialect] = other.dialect.typing(name)
            if frames[other.dialect] and other is not typist and not other.backlog():
                other.send(frames[other.dialect])

    def tick(self, quiet_since: float) -> None:
        """Send the last event's number to the subscribers of rooms that have been quiet since then (monotonic)."""
        for room in self._rooms.values():
            if room.active_at >= quiet_since:
                continue
            room.active_at = time.monotonic()
            frames: dict[Dialect, bytes] = {}
            for subscriber in room.listening():
                if subscriber.dialect not in frames:
                    frames[subscriber.dialect] = subscriber.dialect.tick(room.last)
                if frames[subscriber.dialect]:
                    subscriber.send(frames[subscriber.dialect])

    # --- slow readers ---------------------------------------------------------------------------------------

    def _write(self, subscriber: Subscriber, blob: bytes) -> None:
        if subscriber.backlog() > self._most_waiting:
            self._cut_slow(subscriber)
        else:
            subscriber.send(blob)

    def _cut_slow(self, subscriber: Subscriber) -> None:
        self.detach(subscriber)
        subscriber.cut(Close.SLOW)
