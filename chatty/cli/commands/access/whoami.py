"""``chatty whoami``: who the user is to a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.options import JsonOption, at_server, environment

if TYPE_CHECKING:
    from chatty.access import Me

EXAMPLES: Final = ("chatty whoami", "chatty whoami --server https://chat.example.org --json")

_BY: Final = {
    "none": "nothing",
    "weak": "a key under 32 characters, which can be guessed",
    "key": "your key",
    "verified": "a token",
    "operator": "the server's files",
}


@at_server
def command(ctx: typer.Context, at: ServerChoice, json: JsonOption = False) -> int:
    """Show who you are to a server, and what you may do there."""
    from chatty.cli.runner import run

    return run(_whoami(environment(ctx), at, as_json=json))


async def _whoami(env: Environment, at: ServerChoice, *, as_json: bool) -> int:
    from chatty.cli.access.scope import ask_server
    from chatty.cli.access.table import print_rows
    from chatty.protocol import encode

    me = await ask_server(env, at, None, lambda http: http.me())
    if as_json:
        env.out(encode(me).decode())
    else:
        print_rows(env, list(_rows(me)))
    return ExitStatus.DONE


def _rows(me: Me) -> Iterator[tuple[str, str]]:
    from chatty.cli.terminal.moments import until

    yield "name", me.name or "(any that is free)"
    yield "role", "owner: an administrator" if me.role == "owner" else me.role
    yield "may", ", ".join(me.can) or "nothing"
    by = _BY.get(me.trust, me.trust)
    yield "known by", f"{by} {me.token} {until(me.expires_at)}".rstrip() if me.token else by
    for room in me.rooms:
        yield "room", f"{room.name} ({room.role}{', ' if room.until else ''}{until(room.until)}) {room.id}"
