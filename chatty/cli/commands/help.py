"""``chatty help``: another way to ask for ``--help``."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.completion.help import CliCommand, CliGroup, summary
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
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
    word: Annotated[
        str | None, typer.Argument(metavar="WORD", help="Its second word, if it has one.", show_default=False)
    ] = None,
) -> int:
    """List the commands, or explain one of them."""
    above, command = ctx.find_root(), ctx.find_root().command
    for each in (name, word):
        if each is None:
            continue
        if not isinstance(command, CliGroup):
            raise usage(f"no such command '{name} {each}'", f"see: chatty {name} --help")
        _, found, _ = command.resolve_command(above, [each])  # it refuses others, and suggests what is close
        assert isinstance(found, CliCommand | CliGroup)
        above, command = typer.Context(found, info_name=each, parent=above), found
    environment(ctx).out(command.get_help(above))
    return ExitStatus.DONE
