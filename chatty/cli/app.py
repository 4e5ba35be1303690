"""The commands by name, each imported when it is needed, and what all of them have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise, takewhile
from typing import Annotated, Final

import typer

from chatty.cli.coercion import coerce_here
from chatty.cli.completion.help import CliCommand, CliGroup, docstring
from chatty.cli.environment import Environment, ReaderGone
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import explain, report, report_as_log, usage
from chatty.cli.options import environment

__all__ = ["COMMANDS", "HEADINGS", "command_group", "run"]

HEADINGS: Final = {
    "Talk": ("join", "send", "tail", "history"),
    "Rooms": ("create", "rooms", "who", "close"),
    "Scripts": ("ask", "run", "bot"),
    "Access": (
        *("login", "logout", "whoami", "token create", "token list", "token revoke", "token generate"),
        *("invite", "members", "role", "policy", "kick", "ban", "unban", "mute", "unmute", "delete", "audit"),
    ),
    "Serve": ("serve", "backup", "restore", "doctor", "healthcheck"),
    "Serve on several machines": (
        *("cluster serve", "cluster secret", "cluster status", "cluster doctor", "cluster upgrade"),
        *("cluster backup", "cluster restore", "cluster move", "cluster leave"),
    ),
    "Help": ("help", "completion"),
}
"""The headings of the help, and the commands under each, in this order."""

GROUPS: Final = {"token": "Issue, list and revoke tokens.", "cluster": "Run a server on several machines."}
"""The first words of commands with two, and what these are for."""

_PACKAGES: Final = {"Access": "access.", "Serve on several machines": "cluster."}

COMMANDS: Final = {
    name: f"chatty.cli.commands.{package}{name.removeprefix(package.replace('.', ' ')).replace(' ', '_')}"
    for heading, names in HEADINGS.items()
    for package in (_PACKAGES.get(heading, ""),)
    for name in names
}
"""Name and module. A module's function ``command`` is the command; its help shows the module's ``EXAMPLES``."""


_HELP: Final = {"help_option_names": ["-h", "--help"]}


class _Commands(Mapping[str, CliCommand | CliGroup]):
    """The commands behind the words ``above``, by their next word."""

    def __init__(self, above: str = "") -> None:
        self._above = above
        behind = (name.removeprefix(above) for name in COMMANDS if name.startswith(above))
        self._words = list(dict.fromkeys(name.split(" ")[0] for name in behind))

    def __getitem__(self, word: str) -> CliCommand | CliGroup:
        if word not in self._words:
            raise KeyError(word)
        name = self._above + word
        return _command(name) if name in COMMANDS else _group(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


def _command(name: str) -> CliCommand:
    module = import_module(COMMANDS[name])
    app = _typer()
    app.command(name, cls=CliCommand, context_settings=_HELP, help=docstring(module.command))(module.command)
    command = typer.main.get_command(app)
    assert isinstance(command, CliCommand)
    command.examples = getattr(module, "EXAMPLES", ())
    coerce_here(command)
    return command


def _group(name: str) -> CliGroup:
    app = _typer()
    app.callback(cls=CliGroup, context_settings=_HELP, help=GROUPS[name], invoke_without_command=True)(_show_help)
    group = typer.main.get_command(app)
    assert isinstance(group, CliGroup)
    commands = _Commands(f"{name} ")
    group.name, group.headings = name, {"Commands": tuple(commands)}
    group.commands = commands  # type: ignore[assignment]  # it only reads them
    return group


def _show_help(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        environment(ctx).err(ctx.get_help())
        raise typer.Exit(ExitStatus.USAGE)


def _typer() -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def command_group() -> CliGroup:
    """The whole command line, as Typer understands it."""
    app = _typer()
    app.callback(cls=CliGroup, context_settings=_HELP, help=docstring(_chatty), invoke_without_command=True)(_chatty)
    group = typer.main.get_command(app)
    assert isinstance(group, CliGroup)
    group.headings = HEADINGS
    coerce_here(group)
    group.commands = _Commands()  # type: ignore[assignment]  # it only reads them
    return group


def _chatty(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", "-V", help="Show the version.")] = False,
) -> None:
    """Chat rooms for people in terminals and for scripts, where no line is lost."""
    env = environment(ctx)
    if version:
        from chatty._version import __version__

        env.out(f"chatty {__version__}")
        raise typer.Exit
    _show_help(ctx)


def run(env: Environment, arguments: Sequence[str]) -> int:
    """Run a command line, report what went wrong, and give the exit status."""
    try:
        return _run(env, arguments)
    except ReaderGone:
        return ExitStatus.READER_GONE
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except Exception as error:  # this is the edge: every error becomes a sentence and a status
        if env.environ.get("CHATTY_DEBUG"):
            raise
        failure = explain(error)
        options = list(takewhile(lambda argument: argument != "--", arguments))
        if _logs_json(env, options):
            report_as_log(env, failure)
        else:
            report(env, failure, as_json="--json" in options, color=_chosen_color(options))
        return failure.status


def _logs_json(env: Environment, options: Sequence[str]) -> bool:
    """Whether the command is a server that logs JSON: then so is what ends it before it begins."""
    if "serve" not in (options[1:2] if options[:1] == ["cluster"] else options[:1]):
        return False
    chosen = [value for option, value in pairwise([*options, ""]) if option == "--log-format"]
    chosen += [option.partition("=")[2] for option in options if option.startswith("--log-format=")]
    return (chosen or [env.environ.get("CHATTY_LOG_FORMAT", "")])[-1] == "json"


def _chosen_color(options: Sequence[str]) -> bool | None:
    """What ``--color`` and ``--no-color`` ask for, the last one of them; None: neither was given."""
    chosen = [option == "--color" for option in options if option in ("--color", "--no-color")]
    return chosen[-1] if chosen else None


def _run(env: Environment, arguments: Sequence[str]) -> int:
    if shell := env.environ.get("_CHATTY_COMPLETE"):
        from chatty.cli.completion.shells import answer

        return answer(env, command_group(), shell, arguments)
    try:
        status = command_group().main(list(arguments), prog_name="chatty", standalone_mode=False, obj=env)
    except typer.TyperException as error:
        message = re.sub(r" \(Possible options?: (.+)\)$", r". Did you mean \1?", error.format_message().rstrip("."))
        context = getattr(error, "ctx", None)
        hint = f"see: {context.command_path} --help" if context else ""
        raise usage(message[:1].lower() + message[1:], hint) from None
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # Typer's own ending where nobody reads the help
            raise ReaderGone from None
        raise
    return int(status or 0)
