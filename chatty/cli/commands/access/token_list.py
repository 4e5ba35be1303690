"""``chatty token list``: lists tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.options import JsonOption, OperatorOption, at_server, environment

if TYPE_CHECKING:
    from chatty.access import TokenInfo

EXAMPLES: Final = ("chatty token list", "chatty token list --all --json")


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    all: Annotated[bool, typer.Option("--all", help="Everybody's tokens, for administrators.")] = False,
    data: OperatorOption = None,
    json: JsonOption = False,
) -> int:
    """List your tokens, the newest first, without the secrets."""
    from chatty.cli.runner import run

    return run(_list(environment(ctx), at, data, everybodys=all or data is not None, as_json=json))


async def _list(env: Environment, at: ServerChoice, data: Path | None, *, everybodys: bool, as_json: bool) -> int:
    from chatty.cli.access.scope import ask_server
    from chatty.cli.access.table import print_rows
    from chatty.protocol import encode

    tokens = await ask_server(env, at, data, lambda http: http.tokens(everybodys=everybodys))
    if as_json:
        for token in tokens:
            env.out(encode(token).decode())
    else:
        print_rows(env, [_row(token) for token in tokens])
    return ExitStatus.DONE


def _row(token: TokenInfo) -> tuple[str, ...]:
    from chatty.cli.terminal.moments import moment, until

    state = f"revoked {moment(token.revoked_at)}" if token.revoked_at else until(token.expires_at)
    room = f"in {token.room}" if token.room else ""
    notes = [note for note in (room, state, f"by {token.by}", token.label) if note]
    return token.id, token.name or "", ",".join(token.can), "; ".join(notes)
