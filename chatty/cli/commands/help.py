"""``chatty help``: another way to ask for ``--help``."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.completion.help import CliGroup, summary
from chatty.cli.exits import ExitStatus
from chatty.cli.options import environment

EXAMPLES: Final = ("chatty help", "chatty help send")


def _commands(ctx: typer.Context) -> list[tuple[str, str]]:
    group = _group(ctx)
    return [(name, summary(group.commands[name])) for name in group.commands]


def _group(ctx: typer.Context) -> CliGroup:
    group = ctx.find_root().command
    assert isinstance(group, CliGroup)
    return group


def command(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="COMMAND", help="The command. [default: list all of them]", autocompletion=_commands),
    ] = None,
) -> int:
    """List the commands, or explain one of them."""
    above, group = ctx.find_root(), _group(ctx)
    if name is None:
        environment(ctx).out(above.get_help())
        return ExitStatus.DONE
    _, found, _ = group.resolve_command(above, [name])  # it refuses others, and suggests what is close
    assert found is not None
    environment(ctx).out(found.get_help(typer.Context(found, info_name=name, parent=above)))
    return ExitStatus.DONE
