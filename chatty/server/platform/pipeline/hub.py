"""The hub: who listens to which room, and telling them.

An event is encoded once for each dialect that somebody in the room speaks;
what a room has to say after a commit is one blob, written to every member's
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
"""Bytes in a member's write buffer above which it is a slow reader."""

LOOK_AFTER: Final = 8 * 1024
"""Bytes that a room says before its members' write buffers are looked at again."""

MOST_HELD: Final = 4096
"""Events that are held for a member between its last page and the live flow."""

Dialect = Callable[[Sequence[Stored], str], bytes]
"""How events are said to a member: from events and the room's epoch to bytes for its transport."""


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


class Member:
    """Somebody who listens to a room: first held, then live.

    Held: what happens is kept aside while history is read for it. Live: it is
    written as it happens. ``position`` is the last event it has been given.
    """

    __slots__ = ("audience", "backlog", "dialect", "held", "position", "room_id", "told", "write")

    def __init__(self, dialect: Dialect, room_id: str) -> None:
        self.dialect = dialect
        self.room_id = room_id
        self.position = 0
        self.held: list[Stored] | None = None
        self.told = 0
        self.audience: _Audience | None = None
        self.write: Callable[[bytes], Any]
        self.backlog: Callable[[], int]

    def connect(self, transport: Transport) -> None:
        """Say where to write."""
        self.write = transport.write
        self.backlog = transport.get_write_buffer_size

    def tell(self, blob: bytes) -> None:
        """Write to this member alone. A transport that is closed takes nothing: its owner will notice."""
        with contextlib.suppress(RuntimeError):  # uvloop's word for a closed transport
            self.write(blob)
            self.told += len(blob)

    @property
    def written(self) -> int:
        """Bytes that its transport was given, from some beginning on."""
        return self.told + (self.audience.said if self.audience else 0)

    def cut(self, code: Close) -> None:
        """End the connection, for the reason ``code``. Called once at most by the hub."""
        raise NotImplementedError  # pragma: no cover - every member says how


class _Audience:
    """Who hears a room as it happens, in one dialect: each with how it is written to.

    ``said`` is what each of them was given, in bytes; ``unseen`` how much of
    that since their write buffers were looked at.
    """

    __slots__ = ("members", "said", "unseen")

    def __init__(self) -> None:
        self.members: dict[Member, Callable[[bytes], Any]] = {}
        self.said = 0
        self.unseen = 0

    def admit(self, member: Member) -> None:
        self.members[member] = member.write
        member.told -= self.said
        member.audience = self

    def dismiss(self, member: Member) -> None:
        del self.members[member]
        member.told += self.said
        member.audience = None

    def tell(self, blob: bytes) -> tuple[list[Member], list[Member]]:
        """Write ``blob`` to all of them; gives those that are slow, and those that are gone."""
        gone: list[Member] = []
        for member, write in self.members.items():
            try:
                write(blob)
            except RuntimeError:  # uvloop's word for a closed transport: its session is about to notice
                gone.append(member)
        self.said += len(blob)
        self.unseen += len(blob)
        if self.unseen < LOOK_AFTER:
            return [], gone
        self.unseen = 0
        return [member for member in self.members if member.backlog() > MOST_WAITING], gone


class _Room:
    __slots__ = ("epoch", "fresh", "held", "last", "live", "spoke")

    def __init__(self) -> None:
        self.epoch = ""
        self.live: dict[Dialect, _Audience] = {}
        self.fresh: dict[Member, None] = {}
        self.held: dict[Member, None] = {}
        self.last = 0
        self.spoke = time.monotonic()

    def listening(self) -> Iterator[Member]:
        """Who hears things as they happen."""
        yield from self.fresh
        for audience in self.live.values():
            yield from audience.members


class Hub:
    """All of this node's members by room. Used on the event loop alone."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._answers: dict[Member, list[bytes]] = {}
        self.delivered = 0
        self.cut_slow = 0

    @property
    def room_count(self) -> int:
        """Rooms with a member here."""
        return len(self._rooms)

    def attach(self, member: Member, position: int) -> None:
        """From now on hold for ``member`` what happens after ``position``."""
        member.position = position
        member.held = []
        self._rooms.setdefault(member.room_id, _Room()).held[member] = None

    def go_live(self, member: Member, epoch: str) -> None:
        """Give ``member`` what was held for it beyond its position; from here on it hears things as they happen."""
        room = self._rooms.get(member.room_id)
        if room is None or member.held is None or member not in room.held:
            return  # it was detached meanwhile
        del room.held[member]
        held = [stored for stored in member.held if stored[0] > member.position]
        member.held = None
        room.epoch = epoch or room.epoch
        room.fresh[member] = None
        if held:
            self._write(member, member.dialect(held, room.epoch))
            member.position = held[-1][0]
            if type(held[-1][2]) is RoomClosed:
                self.detach(member)
                member.cut(Close.ROOM_CLOSED)
        room.last = max(room.last, member.position)

    def detach(self, member: Member) -> None:
        """``member`` hears no more."""
        room = self._rooms.get(member.room_id)
        if room is None:
            return
        room.held.pop(member, None)
        room.fresh.pop(member, None)
        if member.audience:
            member.audience.dismiss(member)
        self._answers.pop(member, None)
        self._drop_if_empty(member.room_id, room)

    def answer(self, member: Member, frame: bytes) -> None:
        """Say ``frame`` to ``member`` alone, before any event of the batch that is being delivered."""
        waiting = self._answers.get(member)
        if waiting is None:
            self._answers[member] = [frame]
        else:
            waiting.append(frame)

    def flush_answers(self) -> None:
        """Write the answers that were collected."""
        answers, self._answers = self._answers, {}  # a slow member is cut, which forgets its answers
        for member, frames in answers.items():
            self._write(member, b"".join(frames))

    def publish(self, room_id: str, events: Sequence[Stored]) -> None:
        """Tell a room's members what happened there."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        room.last, room.spoke = events[-1][0], time.monotonic()
        slow: list[Member] = []
        gone: list[Member] = []
        for member in room.held:
            assert member.held is not None
            member.held.extend(events)
            if len(member.held) > MOST_HELD:
                slow.append(member)
        for dialect, audience in room.live.items():
            blob = dialect(events, room.epoch) if audience.members else b""
            if blob:
                self.delivered += len(audience.members) * len(events)
                late, lost = audience.tell(blob)
                slow += late
                gone += lost
        if room.fresh:
            self._publish_to_fresh(room, events)
        for member in gone:
            self.detach(member)
        for member in slow:
            self._cut_slow(member)
        if type(events[-1][2]) is RoomClosed:
            for member in list(room.listening()):
                self.detach(member)
                member.cut(Close.ROOM_CLOSED)

    def _publish_to_fresh(self, room: _Room, events: Sequence[Stored]) -> None:
        """Tell who has just gone live, who may have read some of these in the store: it shows them a moment earlier."""
        for member in list(room.fresh):
            new = [stored for stored in events if stored[0] > member.position]
            if new:
                # From here on whatever comes is new to it.
                del room.fresh[member]
                room.live.setdefault(member.dialect, _Audience()).admit(member)
                self.delivered += len(new)
                self._write(member, member.dialect(new, room.epoch))

    def whisper(self, member: Member, frame: bytes) -> None:
        """Say ``frame`` to who hears ``member``'s room in its dialect, but for itself and for whoever is behind."""
        room = self._rooms.get(member.room_id)
        for other in list(room.listening()) if room else ():
            if other is not member and other.dialect is member.dialect and not other.backlog():
                other.tell(frame)

    def quiet_rooms(self, since: float) -> Iterator[tuple[int, list[Member]]]:
        """Rooms in which nothing was said since ``since`` (monotonic): the last event's number, and live members."""
        for room in list(self._rooms.values()):
            if room.spoke < since:
                room.spoke = time.monotonic()
                yield room.last, list(room.listening())

    def _write(self, member: Member, blob: bytes) -> None:
        if member.backlog() > MOST_WAITING:
            self._cut_slow(member)
        else:
            member.tell(blob)

    def _cut_slow(self, member: Member) -> None:
        self.cut_slow += 1
        self.detach(member)
        member.cut(Close.SLOW)

    def _drop_if_empty(self, room_id: str, room: _Room) -> None:
        if not room.held and not room.fresh and not any(audience.members for audience in room.live.values()):
            self._rooms.pop(room_id, None)
