"""The rooms that this user created or joined, so that commands can call them by name.

A room's id is the key to it, so only the owner of the file can read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from chatty.cli.environment import Environment, NoHome
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure
from chatty.cli.private_files import locked, write_private
from chatty.client.network.address import shares_address
from chatty.events import milliseconds, rfc3339
from chatty.names import same
from chatty.protocol import RoomInfo

__all__ = [
    "KnownRoom",
    "described",
    "find",
    "forget",
    "known_rooms",
    "listing",
    "named",
    "note_closed",
    "note_found",
    "note_gone",
    "open_rooms",
    "remember",
]

_CLOSED_SECONDS: Final = 86_400.0
"""For how long a closed room is kept: as long as a server still shows it."""
_GONE_SECONDS: Final = 30 * 86_400.0
"""For how long a room is kept that its server doesn't know: perhaps the server runs on other data for a while."""


class KnownRoom(Struct, frozen=True, omit_defaults=True):
    """A room, and the token of its owner if this user created it.

    Times are in seconds since 1970. ``since`` is when the user created or
    first joined it. ``ends_at`` is when it closed, or will close by itself.
    ``gone_at`` is when the server said that there is no such room.
    """

    id: str
    name: str
    server: str
    owner_token: str | None = None
    ends_at: float | None = None
    since: float | None = None
    gone_at: float | None = None

    @classmethod
    def of(cls, info: RoomInfo, server: str, *, owner_token: str | None = None, since: float | None = None) -> Self:
        """The room that a server describes."""
        ends_at = info.closed_at or info.expires_at
        return cls(info.id, info.name, server, owner_token, milliseconds(ends_at) / 1000 if ends_at else None, since)

    def is_open(self, now: float) -> bool:
        """Whether it is open, as far as this machine knows. ``now`` is in seconds since 1970."""
        return self.gone_at is None and (self.ends_at is None or now < self.ends_at)

    def is_at(self, server: str) -> bool:
        """Whether it is a room of ``server``, however that is spelled, or of a server that has an address of its."""
        try:
            return self.server == server or shares_address(self.server, server)
        except ValueError:
            return False

    def is_kept(self, now: float) -> bool:
        """Whether it is still worth keeping."""
        closed = self.ends_at is not None and now >= self.ends_at + _CLOSED_SECONDS
        gone = self.gone_at is not None and now >= self.gone_at + _GONE_SECONDS
        return not closed and not gone


class _File(Struct, frozen=True):
    rooms: list[KnownRoom]


def known_rooms(env: Environment) -> list[KnownRoom]:
    """All of them, the latest last. Raises OSError, and Failure if the file is damaged."""
    try:
        return _read(_path(env))
    except NoHome:
        return []


def open_rooms(env: Environment) -> list[KnownRoom]:
    """Those that are open, as far as this machine knows, the latest last. Raises what `known_rooms` does."""
    return [room for room in known_rooms(env) if room.is_open(env.now())]


def find(env: Environment, room_id: str, server: str) -> KnownRoom | None:
    """The room with this id on ``server``. Raises what `known_rooms` does."""
    return _find(known_rooms(env), room_id, server)


def named(rooms: Sequence[KnownRoom], name: str) -> list[KnownRoom]:
    """Those of ``rooms`` that have this name: spelled exactly so, or else in a way that people take for the same."""
    return [room for room in rooms if room.name == name] or [room for room in rooms if same(room.name, name)]


def listing(room: KnownRoom) -> str:
    """``room`` as a line of JSON, without the token of its owner; ``owned`` says whether there is one."""
    owned = room.owner_token is not None
    shown = {"id": room.id, "name": room.name, "server": room.server, "owned": owned}
    times = {"created_at" if owned else "joined_at": room.since, "ends_at": room.ends_at, "gone_at": room.gone_at}
    shown |= {key: rfc3339(int(time * 1000)) for key, time in times.items() if time is not None}
    return msgspec.json.encode(shown).decode()


def described(room: KnownRoom, now: float) -> str:
    """What tells ``room`` from others of its name: whose it is and since when, and how long it is open."""
    word = "created" if room.owner_token else "joined"
    parts = [word if room.since is None else f"{word} {_date(room.since)}"]
    if room.ends_at is not None:
        parts.append(f"{'closes' if now < room.ends_at else 'closed'} {_date(room.ends_at)}")
    if room.gone_at is not None:
        parts.append(f"gone {_date(room.gone_at)}")
    return ", ".join(parts)


def _date(time: float) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M}"


def remember(env: Environment, room: KnownRoom) -> None:
    """Add ``room``, which the server knows, or update it; drop those that ended long ago.

    Raises Failure and OSError.
    """
    now = env.now()
    with _changing(env) as rooms:
        known = _find(rooms, room.id, room.server)
        if known:
            rooms.remove(known)
            ends_at = known.ends_at if known.ends_at is not None and now < known.ends_at else None
            narrower = "," in known.server and "," not in room.server  # once, somebody has named one node alone
            room = replace(
                room,
                server=known.server if narrower else room.server,
                owner_token=room.owner_token or known.owner_token,
                ends_at=room.ends_at or ends_at,
                since=known.since or room.since,
            )
        rooms[:] = [other for other in rooms if other.is_kept(now)]
        rooms.append(room)


def forget(env: Environment, room: KnownRoom) -> None:
    """Remove ``room``, and with it the token of its owner. Raises Failure and OSError."""
    with _changing(env) as rooms:
        if known := _find(rooms, room.id, room.server):
            rooms.remove(known)


def note_closed(env: Environment, room_id: str, server: str) -> None:
    """The server said that the room is closed. A room that isn't known stays unknown; nothing is raised."""
    now = env.now()
    _amend(env, room_id, server, lambda room: replace(room, ends_at=now) if room.is_open(now) else room)


def note_gone(env: Environment, room_id: str, server: str) -> None:
    """The server said that there is no such room."""
    now = env.now()
    _amend(env, room_id, server, lambda room: replace(room, gone_at=now) if room.gone_at is None else room)


def note_found(env: Environment, room_id: str, server: str) -> None:
    """The server knows the room, after all."""
    _amend(env, room_id, server, lambda room: replace(room, gone_at=None))


def _amend(env: Environment, room_id: str, server: str, change: Callable[[KnownRoom], KnownRoom]) -> None:
    with suppress(OSError, Failure):
        known = find(env, room_id, server)
        if known is None or change(known) == known:
            return
        with _changing(env) as rooms:
            if known := _find(rooms, room_id, server):
                rooms[rooms.index(known)] = change(known)


@contextmanager
def _changing(env: Environment) -> Iterator[list[KnownRoom]]:
    """The rooms, to be changed in place by one command at a time."""
    path = _path(env)
    with locked(path):
        rooms = _read(path)
        yield rooms
        write_private(path, msgspec.json.encode(_File(rooms)))


def _find(rooms: Sequence[KnownRoom], room_id: str, server: str) -> KnownRoom | None:
    return next((room for room in rooms if room.id == room_id and room.is_at(server)), None)


def _path(env: Environment) -> Path:
    return env.state_directory / "rooms.json"


def _read(path: Path) -> list[KnownRoom]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).rooms
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "move it away; rooms can still be called by their ids"
        raise Failure(ExitStatus.FAILED, "damaged", f"{path} is damaged ({error})", hint) from None
