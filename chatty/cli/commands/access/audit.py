"""``chatty audit``: shows what was ruled."""

from __future__ import annotations

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

EXAMPLES: Final = ("chatty audit deploys", "chatty audit -n 1000 --json")


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: OptionalRoomArgument = None,
    last: Annotated[int, typer.Option("-n", "--last", metavar="N", min=1, help="The newest N entries.")] = 100,
    data: OperatorOption = None,
    json: JsonOption = False,
) -> int:
    """Show who ruled what in a room, or on the server, the newest last. For moderators."""
    from chatty.cli.access.scope import Scope
    from chatty.cli.runner import run

    return run(_audit(environment(ctx), Scope(at, room, data), last, as_json=json))


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


def _row(entry: AuditEntry) -> tuple[str, ...]:
    from chatty.cli.terminal.moments import moment, until

    notes = ", ".join(note for note in (until(entry.until), entry.reason) if note)
    return moment(entry.at), entry.by, entry.what, entry.whom, notes
