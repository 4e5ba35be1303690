"""Resolves ROOM: an id, a room's URL, or the name of a room that this user created or joined."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from chatty.cli.config import Profile, ServerChoice, load_profile, login_name
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain, usage
from chatty.cli.paths import as_path
from chatty.client.network.address import ROOM_ID, base_urls, shares_address
from chatty.credentials import RESERVED, is_shown_in, is_token
from chatty.errors import ChattyError, Disconnected, Refused
from chatty.names import same

if TYPE_CHECKING:
    from chatty.cli.room_list import KnownRoom
    from chatty.client.http import Http
    from chatty.client.identity import Credential
    from chatty.client.room import Room
    from chatty.client.states import State
    from chatty.events import StreamPosition

__all__ = [
    "DEFAULT_SERVER",
    "News",
    "RoomTarget",
    "about",
    "check_may_read",
    "check_namesakes",
    "not_known",
    "participant_name",
    "resolve_room",
    "resolve_server",
    "several",
    "speaking_name",
    "whole_server",
]

DEFAULT_SERVER: Final = "http://127.0.0.1:8080"

_ANY: Final = ServerChoice()

_PATHS: Final = re.compile(rf"(?P<prefix>.*?)(?:/v1/rooms/(?P<id>{ROOM_ID.pattern})(?:/.*)?|/chat/join/?)")


class RoomTarget(NamedTuple):
    """A room on a server. ``name`` is what the user called it, for messages about it.

    ``gone``: the last time, the server said that there is no such room.
    """

    server: str
    room_id: str
    name: str
    profile: Profile
    gone: bool = False

    @property
    def url(self) -> str:
        """The room's URL, at the first of the server's addresses."""
        from chatty.client.network.address import first_of, room_path

        return first_of(self.server) + room_path(self.room_id)

    def http(self, key: Credential | None) -> Http:
        """The server's HTTP interface, with ``key`` and the authorities that the user trusts."""
        from chatty.client.http import Http

        return Http(self.server, key=key, cacert=self.profile.cacert)

    def read(
        self,
        key: Credential,
        start: StreamPosition | None,
        *,
        last: int | None = None,
        on_state: Callable[[State], None] | None = None,
    ) -> Room:
        """The room for a reader who doesn't join it, after ``start`` or from the ``last`` messages on."""
        from chatty.client.room import join

        return join(
            self.server, self.room_id, key=key, participate=False, last=last, on_state=on_state,
            since=start.seq if start else None, epoch=start.epoch if start else None, cacert=self.profile.cacert,
        )  # fmt: skip


class News(NamedTuple):
    """Remembers what a server says about the room ``target``."""

    env: Environment
    target: RoomTarget

    def found(self) -> None:
        """The server knows the room. A command that a signal or its reader may end says so as soon as it can."""
        if self.target.gone:
            from chatty.cli.room_list import note_found

            note_found(self.env, self.target.room_id, self.target.server)

    def closed(self) -> None:
        """The room is closed."""
        from chatty.cli.room_list import note_closed

        note_closed(self.env, self.target.room_id, self.target.server)


def check_may_read(room: Room) -> None:
    """Raise Failure unless the server lets the user read ``room``: to somebody who may only post it sends nothing."""
    can = room.welcome.you.can
    if can is not None and "read" not in can:
        raise Failure(ExitStatus.NOT_ALLOWED, "not_allowed", "you may post in this room, but not read it")


@contextmanager
def about(env: Environment, target: RoomTarget) -> Iterator[News]:
    """Remember what the server says inside about the room's end, so that its name becomes free for another room.

    Gives the `News` for what is said without an error. An error about a
    missing room calls the room what the user called it. Where the server wants
    a credential, the hint says how to get in.
    """
    news = News(env, target)
    try:
        yield news
    except (Refused, Disconnected, Failure) as error:
        code = explain(error).code
        if code == "room_closed":
            news.closed()
        if isinstance(error, Refused) and code == "unauthorized":
            raise not_known(env, target, error) from error
        if code != "room_not_found":
            raise
        from chatty.cli.room_list import note_gone

        note_gone(env, target.room_id, target.server)
        if isinstance(error, Failure):
            raise
        hint = "copy an id as a whole, capitals count; see: chatty rooms"
        raise _no_room(target.name, target.server, hint) from error
    news.found()


def not_known(env: Environment, target: RoomTarget, refused: Refused) -> Failure:
    """The failure of a request with no credential that counts, or none at all."""
    from chatty.cli.credentials import login_at

    file = target.profile.token_file
    try:
        login = login_at(env, target.profile, target.server)
    except (OSError, Failure):
        login = None
    how = "chatty login --sso" if login and login.sign_in else "chatty login"
    hint = f"put a token that counts into {file}" if file else f"{how} {target.server}"
    return Failure(ExitStatus.NOT_ALLOWED, refused.code, refused.message, hint)


async def check_namesakes(env: Environment, http: Http, room: KnownRoom) -> None:
    """Ask the server about other rooms of the same name that the user knows there, in case they are over."""
    from chatty.cli.room_list import note_closed, note_gone, open_rooms

    try:
        rooms = open_rooms(env)
    except (OSError, Failure):
        return
    for known in rooms:
        if known.id == room.id or not known.is_at(room.server) or not same(known.name, room.name):
            continue
        try:
            if (await http.room(known.id)).closed_at is not None:
                note_closed(env, known.id, known.server)
        except Refused as refused:
            if refused.code == "room_not_found":
                note_gone(env, known.id, known.server)
        except ChattyError:
            return


def resolve_server(env: Environment, option: str | None, profile: Profile) -> str | None:
    """The chosen server: ``--server``, else ``CHATTY_SERVER``, else the profile's.

    With commas between them it may be the addresses of several nodes of one
    server. Raises Failure (usage).
    """
    chosen = option or env.environ.get("CHATTY_SERVER") or profile.server
    if chosen and chosen.startswith(RESERVED):  # its name would be looked up
        raise usage("a token is not the address of a server", "give it to chatty login where it asks for it")
    return _address(chosen) if chosen else None


def resolve_room(env: Environment, room: str, at: ServerChoice = _ANY) -> RoomTarget:
    """The room that a command line means. Raises Failure: no such room, or usage if it is ambiguous."""
    settings = _settings(env, at)
    if is_shown_in(room):
        raise usage("a secret is not the name of a room", "an invitation is accepted with: chatty join")
    if "://" in room:
        target = _from_url(room, settings)
        return target._replace(server=_whole(env, target.server, at, settings))
    chosen = resolve_server(env, at.server, settings)
    if ROOM_ID.fullmatch(room):
        home = _home(env, room, chosen)
        return RoomTarget(
            chosen or (home.server if home else DEFAULT_SERVER), room, room, settings, gone=_is_gone(home)
        )
    known = _named(env, room, chosen)
    return RoomTarget(chosen or known.server, known.id, known.name, settings, gone=_is_gone(known))


def whole_server(env: Environment, at: ServerChoice, *, url: str | None = None) -> RoomTarget:
    """The server that a command line means, or one of its addresses as a ``url``, without a room.

    Raises Failure (usage).
    """
    settings = _settings(env, at)
    if url is None:
        server = resolve_server(env, at.server, settings) or DEFAULT_SERVER
    else:
        server = _whole(env, _address(url), at, settings)
    return RoomTarget(server, "", server, settings)


def _settings(env: Environment, at: ServerChoice) -> Profile:
    profile = load_profile(env, at.profile, at.cacert)
    variable = env.environ.get("CHATTY_TOKEN_FILE")
    try:
        token_file = at.token_file or (as_path(variable) if variable else None)
    except ValueError as error:
        raise usage(f"CHATTY_TOKEN_FILE: {error}") from None
    return profile._replace(token_file=token_file and token_file.absolute(), insecure=at.insecure)


async def speaking_name(
    env: Environment, target: RoomTarget, key: Credential, option: str | None, *, default: str | None = None
) -> str:
    """The user's name in a room: ``--name``, else the one that the token in ``key`` is for, else `participant_name`.

    ``default`` takes the place of the latter. Raises what `chatty.client.http.Http` does.
    """
    from chatty.client.identity import current

    if option is None and is_token(current(key)):
        async with target.http(key) as http:
            own = (await http.me()).name
        if own:
            return own
    return participant_name(env, option or default, target.profile)


def participant_name(env: Environment, option: str | None, profile: Profile) -> str:
    """The user's name in a room: ``--name``, else ``CHATTY_NAME``, else the profile's name, else the login name."""
    return option or env.environ.get("CHATTY_NAME") or profile.name or login_name(env)


def several(env: Environment, rooms: Sequence[KnownRoom], name: str) -> Failure:
    """The usage error for a ``name`` that several ``rooms`` have, with what tells them apart."""
    from chatty.cli.room_list import described

    ids = ", ".join(f"{room.id} ({described(room, env.now())}; {room.server})" for room in rooms)
    hint = f"use an id: {ids}; to forget one: chatty rooms --forget ID"
    return usage(f'{len(rooms)} rooms are called "{name}"', hint)


def _address(server: str) -> str:
    try:
        return ",".join(base_urls(server))
    except ValueError as error:
        raise usage(str(error)) from None


def _whole(env: Environment, address: str, at: ServerChoice, profile: Profile) -> str:
    """What the user has chosen, if that is several addresses, and this is one of them: it is the same server."""
    try:
        chosen = resolve_server(env, at.server, profile) or ""
    except Failure:  # a URL says enough
        return address
    return chosen if "," in chosen and shares_address(chosen, address) else address


def _from_url(url: str, profile: Profile) -> RoomTarget:
    hint = "it looks like http://127.0.0.1:8080/v1/rooms/ID"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise usage(f'"{url}" is not a URL: {error}', hint) from None
    found = _PATHS.fullmatch(parts.path)
    room_id = (found["id"] or "".join(parse_qs(parts.query).get("room", []))) if found else ""
    if found is None or not ROOM_ID.fullmatch(room_id):
        raise usage(f'"{url}" is not the URL of a room', hint)
    return RoomTarget(_address(f"{parts.scheme}://{parts.netloc}{found['prefix']}"), room_id, room_id, profile)


def _home(env: Environment, room_id: str, server: str | None) -> KnownRoom | None:
    """The known room of this id, on ``server`` if that is given, else wherever it was seen last."""
    from chatty.cli.room_list import known_rooms

    try:
        rooms = known_rooms(env)
    except (OSError, Failure):  # the id is enough to get in
        return None
    return next(
        (known for known in reversed(rooms) if known.id == room_id and (server is None or known.is_at(server))), None
    )


def _is_gone(room: KnownRoom | None) -> bool:
    return room is not None and room.gone_at is not None


def _named(env: Environment, name: str, server: str | None) -> KnownRoom:
    from chatty.cli.room_list import known_rooms, named

    rooms = known_rooms(env)
    here = [room for room in rooms if server is None or room.is_at(server)]
    found = named(here, name) or named(here, name.removeprefix("#"))  # it is shown with a #
    # A room that several nodes of a cluster have shown to this user is one room.
    candidates = list({room.id: room for room in found if room.is_open(env.now())}.values()) or found[-1:]
    if not candidates:
        raise _unknown(name, server, here, rooms)
    if len(candidates) > 1:
        raise several(env, candidates, name)
    return candidates[0]


def _unknown(name: str, server: str | None, here: list[KnownRoom], rooms: list[KnownRoom]) -> Failure:
    close = get_close_matches(name, sorted({room.name for room in here}), n=1)
    elsewhere = next((room.server for room in rooms if room.name == name), None)
    if close:
        hint = f'did you mean "{close[0]}"? see: chatty rooms'
    elif elsewhere:
        hint = f"there is one on another server: --server {elsewhere}"
    else:
        hint = f"create it: chatty create {shlex.quote(name)}; or give a room's id; see: chatty rooms"
    return _no_room(name, server or DEFAULT_SERVER, hint)


def _no_room(name: str, server: str, hint: str) -> Failure:
    return Failure(ExitStatus.NO_SUCH_ROOM, "room_not_found", f'no room "{name}" on {server}', hint)
