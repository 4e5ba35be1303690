"""What is remembered of a room while chatty doesn't run: how far it was read, and the half-typed line.

A file for each room, in the state directory, and one with the rooms that were open. They are written at most once a
second, in a thread, so that no key waits for the disk. Where nothing can be kept, chatting goes on without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from chatty.cli.private_files import write_private
from chatty.cli.terminal.cleaning import as_utf8
from chatty.events import StreamPosition

__all__ = ["OpenedRoom", "Place", "Places"]

GONE: Final = ("room_not_found", "room_closed")
"""Why a room can't be entered any more."""

T = TypeVar("T")

EVERY: Final = 1.0
"""Seconds between two times that something is written."""


class _Place(Struct, frozen=True, omit_defaults=True):
    epoch: str = ""
    seen: int = 0
    at: float = 0.0
    draft: str = ""


class OpenedRoom(Struct, frozen=True, omit_defaults=True):
    """A room that was open when one left last, and the name that one had chosen to have there, if one had."""

    server: str
    id: str
    name: str | None = None


class _Opened(Struct):
    rooms: list[OpenedRoom] = []


class Place:
    """Where somebody is in one room. ``draft`` is the line that they were typing."""

    def __init__(self, directory: Path, changed: Callable[[], None]) -> None:
        self.directory = directory
        """Of this room's own files."""
        self._changed = changed
        self._path = directory / "place.json"
        self._kept = _read(self._path, _Place)
        self._is_dirty = self._is_typed = False

    @property
    def seen(self) -> StreamPosition | None:
        """The newest event that was seen; None: none ever was."""
        return StreamPosition(self._kept.epoch, self._kept.seen) if self._kept.epoch else None

    @property
    def seen_at(self) -> float:
        """When something was last seen, in seconds since 1970."""
        return self._kept.at

    @property
    def draft(self) -> str:
        """The line that is being typed."""
        return self._kept.draft

    def see(self, position: StreamPosition, now: float) -> None:
        """Everything up to ``position`` has been seen. ``now`` is in seconds since 1970."""
        kept = self._kept
        if position.epoch == kept.epoch and position.seq <= kept.seen:
            return
        self._kept = replace(kept, epoch=position.epoch, seen=position.seq, at=now)
        self._touch()

    def type(self, draft: str) -> None:
        """The line that is being typed is ``draft`` now."""
        draft = as_utf8(draft)  # a terminal may give bytes that are none
        if draft != self._kept.draft:
            self._kept = replace(self._kept, draft=draft)
            self._is_typed = True
            self._touch()

    def _touch(self) -> None:
        self._is_dirty = True
        self._changed()

    def save(self) -> None:
        """Write what has changed. Raises OSError."""
        if not self._is_dirty:
            return
        self._is_dirty = False
        kept, other = self._kept, _read(self._path, _Place)  # another terminal may be in this room, too
        if other.epoch == kept.epoch and other.seen > kept.seen:
            kept = replace(kept, seen=other.seen, at=other.at)
        if not self._is_typed:
            kept = replace(kept, draft=other.draft)
        try:
            write_private(self._path, msgspec.json.encode(kept))
        except OSError:
            self._is_dirty = True
            raise


class Places:
    """The places of all rooms that are open, below ``directory``, for the profile called ``profile``."""

    def __init__(self, directory: Path, profile: str) -> None:
        self.warn: Callable[[str], None] = lambda _: None
        """Told once if nothing can be kept."""
        self._unreached: list[OpenedRoom] = []
        self._directory = directory
        self._profile = profile
        self._warned = False
        self._places: dict[str, Place] = {}
        self._opened = directory / _named("open", profile)
        self._changed = asyncio.Event()
        self._writing = Lock()

    def of(self, room_id: str) -> Place:
        """The place in a room."""
        if room_id not in self._places:
            self._places[room_id] = Place(self._directory / _named(room_id, self._profile), self._changed.set)
        return self._places[room_id]

    def last_open(self) -> list[OpenedRoom]:
        """The rooms that were open when one left last."""
        return _read(self._opened, _Opened).rooms

    def missed(self, room: OpenedRoom, code: str) -> None:
        """A room that was open can't be entered now, as ``code`` says. Unless it is gone, it stays remembered."""
        if code not in GONE:
            self._unreached.append(room)

    def keep_open(self, rooms: Iterable[OpenedRoom]) -> None:
        """Remember that these are open."""
        opened = list(rooms)
        opened += [room for room in self._unreached if all(room.id != one.id for one in opened)]
        try:
            write_private(self._opened, msgspec.json.encode(_Opened(opened)))
        except OSError as error:
            self.cannot_keep(error)

    async def keep(self) -> None:
        """Write what changes, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if error := await asyncio.to_thread(self._write):
                self.cannot_keep(error)
            await asyncio.sleep(EVERY)

    def save(self) -> None:
        """Write what has changed, at once."""
        if error := self._write():
            self.cannot_keep(error)

    def _write(self) -> OSError | None:
        """Write what has changed. Gives an error, if there is any."""
        failed = None
        with self._writing:  # a thread that goes on after `keep` was cancelled must not write what is older by now
            for place in list(self._places.values()):
                try:
                    place.save()
                except OSError as error:
                    failed = error
        return failed

    def cannot_keep(self, error: OSError) -> None:
        """Tell it, once."""
        if not self._warned:
            self._warned = True
            self.warn(f"how far you read and what you type can't be kept: {error}")


def _named(name: str, profile: str) -> str:
    return name if profile == "default" else f"{name}@{quote(profile, safe='')}"


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return kind()
