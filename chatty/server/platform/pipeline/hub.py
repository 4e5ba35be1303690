"""The hub: who listens to which room, and telling them.

An event is encoded once for each dialect that somebody in the room speaks;
what a room has to say after a commit is one blob, written to every subscriber's
transport as it is. The transport's buffer is all the backpressure there is:
whoever has too much waiting in it is cut, and resumes later. A room never
waits for one reader.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from chatty.events import RoomClosed
from chatty.protocol import Close, text_frame
from chatty.seed import seed_frames
from chatty.server.platform.store.applying import Stored

MOST_WAITING: Final = 1024 * 1024
"""Bytes in a subscriber's write buffer above which it is a slow reader."""

LOOK_AFTER: Final = 8 * 1024
"""Bytes that a room says before its subscribers' write buffers are looked at again."""

MOST_HELD: Final = 4096
"""Events that are held for a subscriber between its last page and the live flow."""

Dialect = Callable[[Sequence[Stored], str], bytes]
"""How events are said to a subscriber: from events and the room's epoch to bytes for its transport."""


def seed_dialect(events: Sequence[Stored], epoch: str) -> bytes:
    """The original's frames."""
    return b"".join([text_frame(frame) for _, _, event in events for frame in seed_frames(event)])


def v1_dialect(events: Sequence[Stored], epoch: str) -> bytes:
    """v1 frames: events as they are stored."""
    return b"".join([text_frame(body) for _, body, _ in events])


class Transport(Protocol):
    """What the hub needs of a connection; an asyncio transport is one."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...


class Subscriber:
    """Somebody who listens to a room: first held, then live.

    Held: what happens is kept aside while history is read for it. Live: it is
    written as it happens. ``position`` is the last event it has been given.
    """

    __slots__ = ("audience", "backlog", "dialect", "held", "position", "room_id", "sent", "write")

    def __init__(self, dialect: Dialect, room_id: str) -> None:
        self.dialect = dialect
        self.room_id = room_id
        self.position = 0
        self.held: list[Stored] | None = None
        self.sent = 0
        self.audience: _Audience | None = None
        self.write: Callable[[bytes], Any]
        self.backlog: Callable[[], int]

    def connect(self, transport: Transport) -> None:
        """Say where to write."""
        self.write = transport.write
        self.backlog = transport.get_write_buffer_size

    def send(self, blob: bytes) -> None:
        """Write to this subscriber alone. A transport that is closed takes nothing: its owner will notice."""
        with contextlib.suppress(RuntimeError):  # uvloop's word for a closed transport
            self.write(blob)
            self.sent += len(blob)

    @property
    def written(self) -> int:
        """Bytes that its transport was given, from some beginning on."""
        return self.sent + (self.audience.sent if self.audience else 0)

    def cut(self, code: Close) -> None:
        """End the connection, for the reason ``code``. Called once at most by the hub."""
        raise NotImplementedError  # pragma: no cover - every subscriber says how


class _Audience:
    """Who hears a room as it happens, in one dialect: each with how it is written to.

    ``sent`` is what each of them was given, in bytes; ``unseen`` how much of
    that since their write buffers were looked at.
    """

    __slots__ = ("sent", "subscribers", "unseen")

    def __init__(self) -> None:
        self.subscribers: dict[Subscriber, Callable[[bytes], Any]] = {}
        self.sent = 0
        self.unseen = 0

    def admit(self, subscriber: Subscriber) -> None:
        self.subscribers[subscriber] = subscriber.write
        subscriber.sent -= self.sent
        subscriber.audience = self

    def dismiss(self, subscriber: Subscriber) -> None:
        del self.subscribers[subscriber]
        subscriber.sent += self.sent
        subscriber.audience = None

    def send(self, blob: bytes) -> tuple[list[Subscriber], list[Subscriber]]:
        """Write ``blob`` to all of them; gives those that are slow, and those that are gone."""
        gone: list[Subscriber] = []
        for subscriber, write in self.subscribers.items():
            try:
                write(blob)
            except RuntimeError:  # uvloop's word for a closed transport: its session is about to notice
                gone.append(subscriber)
        self.sent += len(blob)
        self.unseen += len(blob)
        if self.unseen < LOOK_AFTER:
            return [], gone
        self.unseen = 0
        return [subscriber for subscriber in self.subscribers if subscriber.backlog() > MOST_WAITING], gone


class _Room:
    __slots__ = ("epoch", "fresh", "held", "last", "live", "spoke")

    def __init__(self) -> None:
        self.epoch = ""
        self.live: dict[Dialect, _Audience] = {}
        self.fresh: dict[Subscriber, None] = {}
        self.held: dict[Subscriber, None] = {}
        self.last = 0
        self.spoke = time.monotonic()

    def listening(self) -> Iterator[Subscriber]:
        """Who hears things as they happen."""
        yield from self.fresh
        for audience in self.live.values():
            yield from audience.subscribers


class Hub:
    """All of this node's subscribers by room. Used on the event loop alone."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._answers: dict[Subscriber, list[bytes]] = {}
        self.delivered = 0
        self.cut_slow = 0

    @property
    def room_count(self) -> int:
        """Rooms with a subscriber here."""
        return len(self._rooms)

    def attach(self, subscriber: Subscriber, position: int) -> None:
        """From now on hold for ``subscriber`` what happens after ``position``."""
        subscriber.position = position
        subscriber.held = []
        self._rooms.setdefault(subscriber.room_id, _Room()).held[subscriber] = None

    def go_live(self, subscriber: Subscriber, epoch: str) -> None:
        """Give ``subscriber`` what was held for it beyond its position; from here on it hears things as they happen."""
        room = self._rooms.get(subscriber.room_id)
        if room is None or subscriber.held is None or subscriber not in room.held:
            return  # it was detached meanwhile
        del room.held[subscriber]
        held = [stored for stored in subscriber.held if stored[0] > subscriber.position]
        subscriber.held = None
        room.epoch = epoch or room.epoch
        room.fresh[subscriber] = None
        if held:
            self._write(subscriber, subscriber.dialect(held, room.epoch))
            subscriber.position = held[-1][0]
            if type(held[-1][2]) is RoomClosed:
                self.detach(subscriber)
                subscriber.cut(Close.ROOM_CLOSED)
        room.last = max(room.last, subscriber.position)

    def detach(self, subscriber: Subscriber) -> None:
        """``subscriber`` hears no more."""
        room = self._rooms.get(subscriber.room_id)
        if room is None:
            return
        room.held.pop(subscriber, None)
        room.fresh.pop(subscriber, None)
        if subscriber.audience:
            subscriber.audience.dismiss(subscriber)
        self._answers.pop(subscriber, None)
        self._drop_if_empty(subscriber.room_id, room)

    def answer(self, subscriber: Subscriber, frame: bytes) -> None:
        """Say ``frame`` to ``subscriber`` alone, before any event of the batch that is being delivered."""
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

    def publish(self, room_id: str, events: Sequence[Stored]) -> None:
        """Tell a room's subscribers what happened there."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        room.last, room.spoke = events[-1][0], time.monotonic()
        slow: list[Subscriber] = []
        gone: list[Subscriber] = []
        for subscriber in room.held:
            assert subscriber.held is not None
            subscriber.held.extend(events)
            if len(subscriber.held) > MOST_HELD:
                slow.append(subscriber)
        for dialect, audience in room.live.items():
            blob = dialect(events, room.epoch) if audience.subscribers else b""
            if blob:
                self.delivered += len(audience.subscribers) * len(events)
                late, lost = audience.send(blob)
                slow += late
                gone += lost
        if room.fresh:
            self._publish_to_fresh(room, events)
        for subscriber in gone:
            self.detach(subscriber)
        for subscriber in slow:
            self._cut_slow(subscriber)
        if type(events[-1][2]) is RoomClosed:
            for subscriber in list(room.listening()):
                self.detach(subscriber)
                subscriber.cut(Close.ROOM_CLOSED)

    def _publish_to_fresh(self, room: _Room, events: Sequence[Stored]) -> None:
        """Tell who has just gone live, who may have read some of these in the store: it shows them a moment earlier."""
        for subscriber in list(room.fresh):
            new = [stored for stored in events if stored[0] > subscriber.position]
            if new:
                # From here on whatever comes is new to it.
                del room.fresh[subscriber]
                room.live.setdefault(subscriber.dialect, _Audience()).admit(subscriber)
                self.delivered += len(new)
                self._write(subscriber, subscriber.dialect(new, room.epoch))

    def whisper(self, subscriber: Subscriber, frame: bytes) -> None:
        """Say ``frame`` to who hears ``subscriber``'s room in its dialect, but for itself and for whoever is behind."""
        room = self._rooms.get(subscriber.room_id)
        for other in list(room.listening()) if room else ():
            if other is not subscriber and other.dialect is subscriber.dialect and not other.backlog():
                other.send(frame)

    def quiet_rooms(self, since: float) -> Iterator[tuple[int, list[Subscriber]]]:
        """Rooms that were quiet since ``since`` (monotonic): the last event's number, and the live subscribers."""
        for room in list(self._rooms.values()):
            if room.spoke < since:
                room.spoke = time.monotonic()
                yield room.last, list(room.listening())

    def _write(self, subscriber: Subscriber, blob: bytes) -> None:
        if subscriber.backlog() > MOST_WAITING:
            self._cut_slow(subscriber)
        else:
            subscriber.send(blob)

    def _cut_slow(self, subscriber: Subscriber) -> None:
        self.cut_slow += 1
        self.detach(subscriber)
        subscriber.cut(Close.SLOW)

    def _drop_if_empty(self, room_id: str, room: _Room) -> None:
        if not room.held and not room.fresh and not any(audience.subscribers for audience in room.live.values()):
            self._rooms.pop(room_id, None)
