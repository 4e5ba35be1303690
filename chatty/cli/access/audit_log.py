"""Printing an audit log from where the last run stopped, as `tail --cursor` prints a room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from chatty.access import AuditEntry
from chatty.cli.access.scope import Scope, rule
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.scripting.bookmark import Bookmark
from chatty.cli.scripting.cursor_file import CursorFile
from chatty.cli.scripting.standard_streams import Output
from chatty.cli.targets import resolve_room, whole_server
from chatty.client.network.address import first_of
from chatty.client.rules import Rules
from chatty.events import StreamPosition

__all__ = ["continued"]

_BEGINNING: Final = StreamPosition("", 0)
_REPLACED: Final = "the server's data was replaced, perhaps from a backup: entries may be missing or come twice"


async def continued(env: Environment, scope: Scope, path: Path, line: Callable[[AuditEntry], bytes]) -> int:
    """Print all entries after those of the last run with the cursor file ``path``, and move it."""

    async def print_all(rules: Rules) -> None:
        try:
            start = await _checked(rules, saved, lambda: env.err(f"note:  {_REPLACED}"))
            bookmark.move(start)
            while page := await rules.audit(after=start.seq):
                # Numbers may be given out again after a restore. Together with its time, an entry's is its own.
                start = StreamPosition(page[-1].at, page[-1].n)
                data = b"".join(map(line, page))
                bookmark.prepare(data, start)
                await out.write(data)
                bookmark.move(start, more=True)
            bookmark.move(start)
        finally:
            bookmark.finish()

    with CursorFile(path) as file, Output(env.stdout.fileno()) as out:
        whose = _whose(env, scope)
        found = file.load_for(whose)
        bookmark = Bookmark(file, whose, env.stdout.fileno(), lambda text: env.err(f"note:  {text}"))
        saved = bookmark.recover(found) if found else _BEGINNING
        await rule(env, scope, print_all)
    return ExitStatus.DONE


async def _checked(rules: Rules, saved: StreamPosition, warn: Callable[[], None]) -> StreamPosition:
    """Where to go on: at the beginning if the last entry that was printed is another one by now."""
    if not saved.seq:
        return saved
    there = await rules.audit(after=saved.seq - 1)
    if there and (there[0].n, there[0].at) == (saved.seq, saved.epoch):
        return saved
    warn()
    return _BEGINNING


def _whose(env: Environment, scope: Scope) -> str:
    """Whose log it is, for the cursor file."""
    if scope.room is not None:
        return f"audit of {resolve_room(env, scope.room, scope.at).room_id}"
    return f"audit of {scope.data.resolve() if scope.data else first_of(whole_server(env, scope.at).server)}"
