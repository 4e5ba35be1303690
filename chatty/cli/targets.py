"""What ROOM means: an id, a room's URL, or the name of a room that this user created or joined."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from chatty.cli.config import Profile, load_profile, login_name
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.client.address import ROOM_ID, base_url
from chatty.errors import Refused
from chatty.names import same

if TYPE_CHECKING:
    from chatty.cli.room_list import KnownRoom

__all__ = ["DEFAULT_SERVER", "RoomTarget", "about", "participant_name", "resolve_room", "resolve_server"]

DEFAULT_SERVER: Final = "http://127.0.0.1:8080"

_PATHS: Final = re.compile(rf"(?P<prefix>.*?)(?:/v1/rooms/(?P<id>{ROOM_ID.pattern})(?:/.*)?|/chat/join/?)")


class RoomTarget(NamedTuple):
    """A room on a server. ``name`` is what the user called it, for what is said about it."""

    server: str
    room_id: str
    name: str
    profile: Profile


@contextmanager
def about(target: RoomTarget) -> Iterator[None]:
    """Whatever the server says inside about a missing room names the room as the user did."""
    try:
        yield
    except Refused as refusal:
        if refusal.code != "room_not_found":
            raise
        hint = "an id is copied whole, and capitals count; see: chatty rooms"
        raise _no_room(target.name, target.server, hint) from refusal


def resolve_server(env: Environment, option: str | None, profile: Profile) -> str | None:
    """The server that was chosen: ``--server``, else ``CHATTY_SERVER``, else the profile's. Raises Failure (usage)."""
    chosen = option or env.environ.get("CHATTY_SERVER") or profile.server
    return _address(chosen) if chosen else None


def resolve_room(env: Environment, room: str, *, server: str | None = None, profile: str | None = None) -> RoomTarget:
    """The room that a command line means. Raises Failure: no such room, or usage where it is ambiguous."""
    settings = load_profile(env, profile)
    if "://" in room:
        return _from_url(room, settings)
    chosen = resolve_server(env, server, settings)
    if ROOM_ID.fullmatch(room):
        return RoomTarget(chosen or _home(env, room) or DEFAULT_SERVER, room, room, settings)
    known = _named(env, room, chosen)
    return RoomTarget(known.server, known.id, known.name, settings)


def participant_name(env: Environment, option: str | None, profile: Profile) -> str:
    """Who one is in a room: ``--name``, else ``CHATTY_NAME``, else the profile's name, else the login name."""
    return option or env.environ.get("CHATTY_NAME") or profile.name or login_name(env)


def _address(server: str) -> str:
    try:
        return base_url(server)
    except ValueError as error:
        raise usage(str(error)) from None


def _from_url(url: str, profile: Profile) -> RoomTarget:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise usage(f'"{url}" is no URL: {error}') from None
    found = _PATHS.fullmatch(parts.path)
    room_id = (found["id"] or "".join(parse_qs(parts.query).get("room", []))) if found else ""
    if found is None or not ROOM_ID.fullmatch(room_id):
        raise usage(f'"{url}" is no room\'s URL', "they look like http://127.0.0.1:8080/v1/rooms/ID")
    return RoomTarget(_address(f"{parts.scheme}://{parts.netloc}{found['prefix']}"), room_id, room_id, profile)


def _home(env: Environment, room_id: str) -> str | None:
    from chatty.cli.room_list import known_rooms

    try:
        rooms = known_rooms(env)
    except (OSError, Failure):  # who has the id needs no more than a guess
        return None
    return next((known.server for known in reversed(rooms) if known.id == room_id), None)


def _named(env: Environment, name: str, server: str | None) -> KnownRoom:
    from chatty.cli.room_list import known_rooms

    rooms = known_rooms(env)
    here = [room for room in rooms if server in (None, room.server)]
    named = [room for room in here if room.name == name] or [room for room in here if same(room.name, name)]
    candidates = [room for room in named if room.is_open(env.now())] or named[-1:]
    if not candidates:
        raise _unknown(name, server, here, rooms)
    if len(candidates) > 1:
        ids = ", ".join(f"{room.id} ({room.server})" for room in candidates)
        raise usage(f'{len(candidates)} rooms are called "{name}"', f"use an id: {ids}")
    return candidates[0]


def _unknown(name: str, server: str | None, here: list[KnownRoom], rooms: list[KnownRoom]) -> Failure:
    close = get_close_matches(name, sorted({room.name for room in here}), n=1)
    elsewhere = next((room.server for room in rooms if room.name == name), None)
    if close:
        hint = f'did you mean "{close[0]}"? see: chatty rooms'
    elif elsewhere:
        hint = f"it is one on another server: --server {elsewhere}"
    else:
        hint = f"create it: chatty create {shlex.quote(name)}, or name it by its id; see: chatty rooms"
    return _no_room(name, server or DEFAULT_SERVER, hint)


def _no_room(name: str, server: str, hint: str) -> Failure:
    return Failure(ExitStatus.NO_SUCH_ROOM, "room_not_found", f'no room "{name}" on {server}', hint)
