"""What is remembered of a room while chatty doesn't run: how far it was read, and the half-typed line.

In the state directory, a room has a file with how far it was read, which all terminals of a person share, and one with
the line for each terminal that is in the room. A further file has the rooms that were open. They are written at most
once a second, or when a line was entered, in a thread, so that no key waits for the disk. Where nothing can be kept,
chatting goes on without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
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

__all__ = ["DRAFT", "OpenedRoom", "Place", "Places"]

GONE: Final = ("room_not_found", "room_closed")
"""Why a room can't be entered any more."""

T = TypeVar("T")

EVERY: Final = 1.0
"""Seconds between two times that something is written."""
DRAFT: Final = ".draft"
"""What the name of a file with a line that is being typed ends with."""


class _Place(Struct, frozen=True, omit_defaults=True):
    epoch: str = ""
    seen: int = 0
    at: float = 0.0


class _Typed(Struct, frozen=True, omit_defaults=True):
    draft: str = ""
    refused: list[str] = []


class OpenedRoom(Struct, frozen=True, omit_defaults=True):
    """A room that was open when one left last, and the name that one had chosen to have there, if one had."""

    server: str
    id: str
    name: str | None = None


class _Opened(Struct):
    rooms: list[OpenedRoom] = []


class Place:
    """Where somebody is in one room: how far they have read, and what they are typing.

    ``changed`` is called when there is something to write, and ``entered`` when that should be soon.
    """

    def __init__(self, directory: Path, changed: Callable[[], None], entered: Callable[[], None]) -> None:
        self.directory = directory
        """Of this room's own files."""
        self._changed = changed
        self._entered = entered
        self._path = directory / "place.json"
        self._kept = _read(self._path, _Place)
        self._typed = _Typed()
        self._draft: Path | None = None
        self._is_dirty = self._is_typed = False

    def hold(self, journal: Path | None) -> None:
        """This terminal has ``journal``, so what was typed in the one that had it before goes on here.

        None: it has none, and what is typed in it isn't kept.
        """
        if self._is_typed:
            with suppress(OSError):
                self.save()  # of the time when one was here before
        self._is_typed = False
        self._draft = journal and journal.with_suffix(DRAFT)
        self._typed = _read(self._draft, _Typed) if self._draft else _Typed()

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
        return self._typed.draft

    @property
    def refused(self) -> list[str]:
        """The lines that were refused, and should come back into the prompt."""
        return self._typed.refused

    def see(self, position: StreamPosition, now: float) -> None:
        """Everything up to ``position`` has been seen. ``now`` is in seconds since 1970."""
        kept = self._kept
        if position.epoch == kept.epoch and position.seq <= kept.seen:
            return
        self._kept = replace(kept, epoch=position.epoch, seen=position.seq, at=now)
        self._touch()

    def type(self, draft: str, refused: list[str]) -> None:
        """The line that is being typed is ``draft`` now, and these were ``refused`` and haven't come back yet."""
        # A terminal may give bytes that are no text.
        before, self._typed = self._typed, _Typed(as_utf8(draft), [as_utf8(line) for line in refused])
        if before == self._typed:
            return
        self._is_typed = True
        self._changed()
        if not draft:  # it was entered, and is kept as a message: nobody must find it twice
            self._entered()

    def _touch(self) -> None:
        self._is_dirty = True
        self._changed()

    def save(self) -> None:
        """Write what has changed. Raises OSError."""
        if self._is_typed and self._draft:
            self._is_typed = False
            try:
                self._save_draft(self._draft)
            except OSError:
                self._is_typed = True
                raise
        if self._is_dirty:
            self._is_dirty = False
            kept, other = self._kept, _read(self._path, _Place)  # another terminal may be in this room, too
            if other.epoch == kept.epoch and other.seen > kept.seen:
                kept = replace(kept, seen=other.seen, at=other.at)
            try:
                write_private(self._path, msgspec.json.encode(kept))
            except OSError:
                self._is_dirty = True
                raise

    def _save_draft(self, path: Path) -> None:
        typed = self._typed
        if typed == _Typed():
            path.unlink(missing_ok=True)
        else:
            write_private(path, msgspec.json.encode(typed))


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
        self._entered = asyncio.Event()
        self._writing = Lock()

    def of(self, room_id: str) -> Place:
        """The place in a room."""
        if room_id not in self._places:
            directory = self._directory / _named(room_id, self._profile)
            self._places[room_id] = Place(directory, self._changed.set, self._entered.set)
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
            self._entered.clear()
            if error := await asyncio.to_thread(self._write):
                self.cannot_keep(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._entered.wait()

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
        self.warn_once(f"how far you read and what you type can't be kept: {error}")

    def warn_once(self, text: str) -> None:
        """Tell that something can't be kept, unless that was told before: the cure is the same."""
        if not self._warned:
            self._warned = True
            self.warn(text)


def _named(name: str, profile: str) -> str:
    return name if profile == "default" else f"{name}@{quote(profile, safe='')}"


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return kind()
