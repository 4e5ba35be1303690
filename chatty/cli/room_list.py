"""The rooms that this user created or joined: what lets a room be called by its name.

A room's id is the key to it, so the file is its owner's alone.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from chatty.cli.environment import Environment, NoHome
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure
from chatty.cli.private_files import locked, write_private
from chatty.events import rfc3339

__all__ = ["KnownRoom", "known_rooms", "listing", "remember"]

_KEPT = 86_400.0
"""Seconds for which a room is kept after its end: as long as a server still shows it."""


class KnownRoom(Struct, frozen=True, omit_defaults=True):
    """A room, and the token of its owner if this user created it.

    ``ends_at``, in seconds since 1970, is when it closed, or will close by
    itself; None: it stays open until somebody closes it.
    """

    id: str
    name: str
    server: str
    owner_token: str | None = None
    ends_at: float | None = None

    def is_open(self, now: float) -> bool:
        """Whether it is open, as far as is known here. ``now`` is in seconds since 1970."""
        return self.ends_at is None or now < self.ends_at


class _File(Struct, frozen=True):
    rooms: list[KnownRoom]


def known_rooms(env: Environment) -> list[KnownRoom]:
    """All of them, the latest last. Raises Failure where the file makes no sense, OSError where it can't be read."""
    try:
        return _read(_path(env))
    except NoHome:
        return []


def listing(room: KnownRoom) -> str:
    """``room`` as a line of JSON, without the token of its owner; ``owned`` says whether there is one."""
    shown = {"id": room.id, "name": room.name, "server": room.server, "owned": room.owner_token is not None}
    if room.ends_at is not None:
        shown["ends_at"] = rfc3339(int(room.ends_at * 1000))
    return msgspec.json.encode(shown).decode()


def remember(env: Environment, room: KnownRoom) -> None:
    """Add ``room``, or what is new about it, and forget those that ended long ago. Raises Failure and OSError."""
    path = _path(env)
    with locked(path):
        rooms = _read(path)
        others = [other for other in rooms if (other.id, other.server) != (room.id, room.server)]
        known = next((other for other in rooms if (other.id, other.server) == (room.id, room.server)), None)
        if known:
            room = replace(
                room, owner_token=room.owner_token or known.owner_token, ends_at=room.ends_at or known.ends_at
            )
        kept = [other for other in others if other.is_open(env.now() - _KEPT)]
        write_private(path, msgspec.json.encode(_File([*kept, room])))


def _path(env: Environment) -> Path:
    return env.state_directory / "rooms.json"


def _read(path: Path) -> list[KnownRoom]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).rooms
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(
            ExitStatus.FAILED, "damaged", f"{path} is damaged ({error})", "move it away; rooms can still be used by id"
        ) from None
