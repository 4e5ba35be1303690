"""``chatty join``: the door to the interactive screen in ``chatty.cli.join``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain, usage
from chatty.cli.options import NameOption, at_server, environment, filled, known_room_names
from chatty.cli.targets import RoomTarget, about, check_namesakes, speaking_name
from chatty.errors import Refused

if TYPE_CHECKING:
    from chatty.access import Admitted
    from chatty.cli.room_list import KnownRoom
    from chatty.client.http import Http
    from chatty.client.identity import Credential
    from chatty.protocol import RoomInfo

EXAMPLES: Final = (
    "chatty join deploys",
    "chatty join deploys --name Ada",
    "chatty join",
)


Bell = Literal["mention", "all", "off"]


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: Annotated[
        str | None,
        typer.Argument(
            metavar="ROOM",
            parser=filled,
            help="A room's id, URL or name, or an invitation. [default: it asks for one]",
            autocompletion=known_room_names,
            show_default=False,
        ),
    ] = None,
    name: NameOption = None,
    color: Annotated[
        bool | None,
        typer.Option("--color/--no-color", help="Use colors or not. [env: NO_COLOR, FORCE_COLOR]", show_default=False),
    ] = None,
    bell: Annotated[Bell, typer.Option(help="Ring when you are mentioned, for every message, or never.")] = "mention",
    plain: Annotated[bool, typer.Option("--plain", help="Print lines only, and redraw nothing.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Show the room's password: the first line of standard input.")
    ] = False,
) -> int:
    """Join a room, and talk there.

    An invitation is accepted once: from then on, the room's name is enough. If
    the room wants a password, it asks for it. Without a terminal, it accepts the
    invitation, or shows the password, and ends.
    """
    from chatty.cli.access.door import ask, first_line, invited
    from chatty.cli.runner import run, run_plainly

    env = environment(ctx)
    in_terminal = env.stdin.isatty()
    if room is None:
        if not in_terminal:
            raise usage("missing argument 'ROOM'")
        room = ask(env, "Room or invitation (it is not shown): ")
    if not in_terminal and not password_stdin and "#" not in room:
        raise usage("join needs a terminal to type in", "scripts use: chatty send ROOM, and: chatty tail ROOM")
    target, invitation = invited(env, filled(room), at)
    shown = Shown(invitation, first_line(env, "Password: ") if password_stdin else "")
    if invitation and password_stdin:
        raise usage("an invitation needs no password", "leave out --password-stdin")
    if not in_terminal or not target.room_id:
        return run(_enter(env, target, shown, name))
    return run_plainly(_join(env, target, shown, name, plain=plain, color=color, bell=bell))


class Shown(NamedTuple):
    """What somebody shows to be let in, if anything."""

    invitation: str = ""
    password: str = ""


async def _enter(env: Environment, target: RoomTarget, shown: Shown, name: str | None) -> int:
    """Be let in, and no more."""
    from chatty.cli.credentials import credential

    key = credential(env, target.profile, target.server, lasting=True)
    with about(env, target):
        async with target.http(key) as http:
            admitted = await _show(env, http, target, key, shown, name)
    _say(env, target, admitted)
    return ExitStatus.DONE


def _say(env: Environment, target: RoomTarget, admitted: Admitted) -> None:
    from chatty.cli.terminal.cleaning import clean

    where = f'"{admitted.room_name}"' if target.room_id else target.server
    called = f", called {admitted.name}" if admitted.name else ""
    env.out(clean(f"you were let into {where} as {admitted.role}{called}", newlines=False))


async def _show(
    env: Environment, http: Http, target: RoomTarget, key: Credential, shown: Shown, name: str | None
) -> Admitted:
    """Be let in, and remember the room by its name."""
    from chatty.cli.access.door import show
    from chatty.cli.room_list import KnownRoom

    admitted = await show(env, http, target, key, name, invitation=shown.invitation, password=shown.password)
    if target.room_id:
        _remember(env, KnownRoom(target.room_id, admitted.room_name, target.server, since=env.now()))
    return admitted


def _remember(env: Environment, known: KnownRoom) -> None:
    from chatty.cli.room_list import remember

    try:
        remember(env, known)
    except (OSError, Failure) as error:
        env.err(f"warning: the room is not remembered ({explain(error).message})")


async def _seen(
    env: Environment, http: Http, target: RoomTarget, key: Credential, name: str | None
) -> tuple[RoomInfo, str]:
    """The room, and a name that is the user's there. If it can't be seen, perhaps it wants a password."""
    from chatty.cli.access.door import ask
    from chatty.client.identity import current
    from chatty.credentials import is_token

    try:
        return await http.room(target.room_id), ""
    except Refused as refused:
        if refused.code not in ("room_not_found", "unauthorized") or (
            refused.code == "unauthorized" and is_token(current(key))
        ):
            raise
        env.err(f"note:  {refused.message}")
        password = ask(env, "If the room has a password, type it; otherwise press Enter: ")
        if not password:
            raise
    admitted = await _show(env, http, target, key, Shown(password=password), name)
    return await http.room(target.room_id), admitted.name


async def _join(
    env: Environment,
    target: RoomTarget,
    shown: Shown,
    name: str | None,
    *,
    plain: bool,
    color: bool | None,
    bell: Bell,
) -> int:
    from chatty.cli.credentials import credential
    from chatty.cli.join import run
    from chatty.cli.room_list import KnownRoom

    key = credential(env, target.profile, target.server, lasting=shown != Shown())
    with about(env, target) as news:
        async with target.http(key) as http:
            own = ""
            if shown != Shown():
                admitted = await _show(env, http, target, key, shown, name)
                if admitted.role == "poster":
                    _say(env, target, admitted)
                    return ExitStatus.DONE
                own = admitted.name
            info, given = await _seen(env, http, target, key, name)
            known = KnownRoom.of(info, target.server, since=env.now())
            await check_namesakes(env, http, known)
        name = await speaking_name(env, target, key, name or own or given or None)
        _remember(env, known)
        return await run(
            env,
            server=target.server,
            room_id=target.room_id,
            name=name,
            key=key,
            cacert=target.profile.cacert,
            plain=plain,
            color=color,
            bell=bell,
            on_closed=news.closed,
        )
