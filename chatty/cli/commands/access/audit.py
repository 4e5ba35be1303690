"""``chatty audit``: shows what was ruled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.options import JsonOption, OperatorOption, OptionalRoomArgument, at_server, environment

if TYPE_CHECKING:
    from chatty.access import AuditEntry
    from chatty.cli.access.scope import Scope
    from chatty.client.rules import Rules

EXAMPLES: Final = ("chatty audit deploys", "chatty audit --json --cursor audit.cursor >> audit.log")


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: OptionalRoomArgument = None,
    last: Annotated[int, typer.Option("-n", "--last", metavar="N", min=1, help="The newest N entries.")] = 100,
    cursor: Annotated[
        Path | None,
        typer.Option("--cursor", metavar="FILE", help="Remember in FILE what was printed, and continue from there."),
    ] = None,
    data: OperatorOption = None,
    json: JsonOption = False,
) -> int:
    """Show who ruled what in a room, or on the server, the newest last.

    With --cursor it begins with the first entry, and a new run continues where
    the last one stopped. For moderators.
    """
    from chatty.cli.access.audit_log import continued
    from chatty.cli.access.scope import Scope
    from chatty.cli.runner import run

    env, scope = environment(ctx), Scope(at, room, data)
    if cursor is None:
        return run(_audit(env, scope, last, as_json=json))
    return run(continued(env, scope, cursor, lambda entry: _line(entry, as_json=json)))


async def _audit(env: Environment, scope: Scope, last: int, *, as_json: bool) -> int:
    from chatty.cli.access.scope import rule
    from chatty.cli.access.table import print_rows
    from chatty.protocol import encode

    async def newest(rules: Rules) -> list[AuditEntry]:
        entries = page = await rules.audit()
        while page and len(entries) < last:
            page = await rules.audit(before=page[-1].n)
            entries = [*entries, *page]
        return entries[:last]

    entries = (await rule(env, scope, newest))[::-1]
    if as_json:
        for entry in entries:
            env.out(encode(entry).decode())
    else:
        print_rows(env, [_row(entry) for entry in entries])
    return ExitStatus.DONE


def _line(entry: AuditEntry, *, as_json: bool) -> bytes:
    from chatty.cli.terminal.cleaning import clean
    from chatty.protocol import encode

    if as_json:
        return encode(entry) + b"\n"
    cells = [clean(cell, newlines=False).replace("\t", " ") for cell in _row(entry)]
    return ("\t".join(cells) + "\n").encode()


def _row(entry: AuditEntry) -> tuple[str, ...]:
    from chatty.cli.terminal.moments import moment, until

    notes = ", ".join(note for note in (until(entry.until), entry.reason) if note)
    return moment(entry.at), entry.by, entry.what, entry.whom, notes
