"""``chatty login``: keeps a token for a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain
from chatty.cli.options import ServerArgument, at_server, environment
from chatty.cli.targets import RoomTarget, about, whole_server

if TYPE_CHECKING:
    from chatty.access import Me

EXAMPLES: Final = (
    "chatty login https://chat.example.org",
    "chatty login https://chat.example.org < /run/secrets/chatty",
)


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    address: ServerArgument = None,
) -> int:
    """Log in to a server with a token that an administrator gave you.

    It asks for the token, which isn't shown; without a terminal, the token is
    the first line of standard input. It is kept in a file that only you can
    read, and your other commands show it to this server, and to no other.
    """
    from chatty.cli.runner import run

    env = environment(ctx)
    target = whole_server(env, at._replace(server=address or at.server))
    return run(_login(env, target, from_file=at.token_file is not None))


async def _login(env: Environment, target: RoomTarget, *, from_file: bool) -> int:
    from chatty.cli.credentials import check_safe, remember_login
    from chatty.cli.terminal.cleaning import clean

    check_safe(target.server, insecure=target.profile.insecure)
    token = _token(env, target, from_file=from_file)
    with about(env, target._replace(profile=target.profile._replace(token_file=None))):
        async with target.http(token) as http:
            me = await http.me()
    remember_login(env, target.profile, target.server, token)
    _remember_rooms(env, target.server, me)
    name = clean(me.name, newlines=False) if me.name else "yourself"
    env.out(f"logged in to {target.server} as {name}")
    if env.environ.get("CHATTY_TOKEN_FILE"):
        env.err("note:  CHATTY_TOKEN_FILE is set, and goes before this login")
    return ExitStatus.DONE


def _token(env: Environment, target: RoomTarget, *, from_file: bool) -> str:
    from chatty.cli.credentials import read_token
    from chatty.client.identity import TokenFile
    from chatty.credentials import is_token

    if from_file:
        assert target.profile.token_file is not None
        return read_token(TokenFile(target.profile.token_file))
    if env.stdin.isatty():
        import getpass

        given = getpass.getpass(f"Token for {target.server}: ", stream=env.stderr)
    else:
        given = env.stdin.readline()
    if not is_token(given.strip()):
        raise Failure(
            ExitStatus.NOT_ALLOWED,
            "unauthorized",
            "this is not a token: it begins with chatty_t and has 57 characters, of which the last ones are a checksum",
            "copy it as a whole; an administrator makes one with: chatty token create",
        )
    return given.strip()


def _remember_rooms(env: Environment, server: str, me: Me) -> None:
    """Call the rooms to which the token leads by their names from now on."""
    from chatty.cli.room_list import KnownRoom, remember

    try:
        for room in me.rooms:
            remember(env, KnownRoom(room.id, room.name, server, since=env.now()))
    except (OSError, Failure) as error:
        env.err(f"warning: your rooms are not remembered ({explain(error).message})")
