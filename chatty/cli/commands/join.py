"""``chatty join``: the door to the interactive screen in ``chatty.cli.join``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.options import NameOption, at_server, environment, filled, known_room_names
from chatty.cli.targets import RoomTarget, about, resolve_server, whole_server
from chatty.errors import ChattyError

if TYPE_CHECKING:
    from chatty.access import Admitted
    from chatty.cli.access.entering import Shown, Way
    from chatty.cli.join.rooms.entrance import Entrance
    from chatty.cli.join.rooms.places import OpenedRoom, Places

    Guest = tuple[Way, RoomTarget, Shown]

EXAMPLES: Final = (
    "chatty join deploys",
    "chatty join deploys ops --name Ada",
    "chatty join",
)


Bell = Literal["mention", "all", "off"]

ASK: Final = "-"
"""A ROOM that is asked for, so that an invitation stands neither on the screen nor in the shell's history."""
NAMED: Final = 10
"""Rooms that somebody who names none is told of."""


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ROOM]...",
            parser=filled,
            help="A room's id, URL or name, or an invitation; - asks for it. "
            "[default: the rooms that were open when you left last]",
            autocompletion=known_room_names,
            show_default=False,
        ),
    ] = None,
    name: NameOption = None,
    color: Annotated[
        bool | None,
        typer.Option("--color/--no-color", help="Use colors or not. [env: NO_COLOR, FORCE_COLOR]", show_default=False),
    ] = None,
    bell: Annotated[
        Bell | None,
        typer.Option(
            help="Ring when you are mentioned, for every message, or never. [default: the setting, else mention]"
        ),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Print lines only, and redraw nothing.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Show the room's password: the first line of standard input.")
    ] = False,
) -> int:
    """Join rooms, and talk there.

    An invitation is accepted once: from then on, the room's name is enough. If
    the room wants a password, it asks for it. Without a terminal, it accepts the
    invitation, or shows the password, and ends.
    """
    from chatty.cli.access.door import first_line, invited
    from chatty.cli.access.entering import Shown, Way
    from chatty.cli.config import load_profile
    from chatty.cli.join.rooms.places import Places
    from chatty.cli.runner import run, run_plainly

    env = environment(ctx)
    in_terminal = env.stdin.isatty()
    if not room and not in_terminal:
        raise usage("missing argument 'ROOM'")
    way = Way(env, at, name)
    places = Places(env.convenience("rooms"), load_profile(env, at.profile, at.cacert).profile)
    look = Look(plain, color, bell)
    if not room and (again := _open_last(way, places)):
        return run_plainly(_join(again, way, places, look, again=True))
    if not room:
        _say_which_there_are(env)
    wanted = [_asked(env) if one == ASK else one for one in room or [ASK]]
    if not in_terminal and not password_stdin and not all("#" in one for one in wanted):
        raise usage("join needs a terminal to type in", "scripts use: chatty send ROOM, and: chatty tail ROOM")
    guests = [invited(env, filled(one), at) for one in wanted]
    password = first_line(env, "Password: ") if password_stdin else ""
    if password and any(guest.invitation for guest in guests):
        raise usage("an invitation needs no password", "leave out --password-stdin")
    entries = [(way, guest.target, Shown(guest.invitation, password)) for guest in guests]
    if not in_terminal or not all(guest.target.room_id for guest in guests):
        return run(_enter(entries))
    return run_plainly(_join(entries, way, places, look))


def _say_which_there_are(env: Environment) -> None:
    """Tell somebody who named no room which ones they could name."""
    from chatty.cli.room_list import open_rooms
    from chatty.cli.terminal.cleaning import clean

    try:
        known = list(dict.fromkeys(room.name for room in reversed(open_rooms(env))))
    except (OSError, Failure):
        return
    more = ", … (chatty rooms lists them)" if len(known) > NAMED else ""
    rooms = f"you know these rooms: {', '.join(known[:NAMED])}{more}" if known else "you know no room yet"
    env.err(clean(f"note:  {rooms}; create one: chatty create NAME", newlines=False))


def _asked(env: Environment) -> str:
    """What somebody types who is asked for a room. Raises Failure (usage)."""
    from chatty.cli.access.door import ask

    typed = ask(env, "Room or invitation (it is not shown): ").strip()
    if not typed:
        raise usage("no room was named", "create one: chatty create NAME; list those that you know: chatty rooms")
    return typed


class Look(NamedTuple):
    """How the rooms are shown."""

    plain: bool
    color: bool | None
    bell: Bell | None


def _open_last(way: Way, places: Places) -> list[Guest]:
    """The rooms that were open when one left last, of the server that was chosen, if one was."""
    from chatty.cli.access.entering import NOTHING
    from chatty.cli.room_list import find
    from chatty.client.network.address import shares_address

    def called(room: OpenedRoom) -> str:
        try:
            known = find(way.env, room.id, room.server)
        except (OSError, Failure):  # its id says it, too
            known = None
        return known.name if known else room.id

    anywhere = whole_server(way.env, way.at)
    chosen = resolve_server(way.env, way.at.server, anywhere.profile)
    return [
        (
            way._replace(name=way.name or room.name),
            anywhere._replace(server=room.server, room_id=room.id, name=called(room)),
            NOTHING,
        )
        for room in places.last_open()
        if chosen is None or shares_address(chosen, room.server)
    ]


async def _enter(guests: Sequence[Guest]) -> int:
    """Be let in, and no more."""
    from chatty.cli.credentials import credential

    for way, target, shown in guests:
        key = credential(way.env, target.profile, target.server, lasting=True)
        with about(way.env, target):
            async with target.http(key) as http:
                admitted = await way.admit(http, target, key, shown)
        _say(way.env, target, admitted)
    return ExitStatus.DONE


def _say(env: Environment, target: RoomTarget, admitted: Admitted) -> None:
    from chatty.cli.terminal.cleaning import clean

    where = f'"{admitted.room_name}"' if target.room_id else target.server
    called = f", called {admitted.name}" if admitted.name else ""
    env.out(clean(f"you were let into {where} as {admitted.role}{called}", newlines=False))


async def _join(guests: Sequence[Guest], usual: Way, places: Places, look: Look, *, again: bool = False) -> int:
    """Be in the rooms; the ``usual`` way leads into further ones.

    Of those that were open ``again``, some may be gone: the others are entered all the same.
    """
    import asyncio

    from chatty.cli.access.entering import PosterOnly
    from chatty.cli.join import run
    from chatty.cli.join.rooms.attempts import Attempts
    from chatty.cli.join.rooms.places import OpenedRoom
    from chatty.cli.join.settings.preferences import Sources
    from chatty.cli.terminal.cleaning import clean

    env = usual.env
    colors = None if look.color is None else "always" if look.color else "never"
    sources = Sources(env, {"bell": look.bell, "color": colors})
    for problem in sources.problems:
        env.err(clean(f"warning: {problem}", newlines=False))
    entrances: list[Entrance] = []
    attempts = Attempts(places, len(guests), again=again)
    # Those of last time are looked for all at once: they may be many, and far away.
    looking = [asyncio.ensure_future(way.into(target, asks=False)) for way, target, _ in guests if again]
    for at, (way, target, shown) in enumerate(guests):
        try:
            entrances.append(await (looking[at] if again else way.into(target, shown)))
        except PosterOnly as poster:
            _say(env, target, poster.admitted)
        except (ChattyError, Failure) as error:
            message = attempts.refused(OpenedRoom(target.server, target.room_id, way.name), target.name, error)
            env.err(clean(f"note:  {message}", newlines=False))
    if not entrances:
        attempts.none_entered()
        return ExitStatus.DONE
    return await run(env, entrances, usual.door, places, sources, plain=look.plain, again=again)
