"""Writes ``docs/reference.md`` and the manual page ``docs/chatty.1`` from the commands: ``make reference``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import typer
from platformdirs import user_data_path

from chatty.cli.app import COMMANDS, HEADINGS, command_group
from chatty.cli.completion.help import CliCommand, CliGroup, Row, rows, summary
from chatty.cli.exits import MEANINGS

__all__ = ["manual", "markdown", "write"]

_VARIABLES: Final = {
    "CHATTY_DEBUG": "Show the traceback of an internal error.",
    "HTTPS_PROXY": "The proxy that leads to https servers; HTTP_PROXY to others, and none to those in NO_PROXY.",
    "FORCE_COLOR": "Use colours even without a terminal.",
    "NO_COLOR": "Use no colours.",
}
"""Those without an option, or with more to say than the option's help."""

_FILES: Final = {
    "~/.config/chatty/config.toml": 'Profiles: [profile.NAME] with server = "URL", name = "NAME", cacert = "FILE".',
    "~/.config/chatty/secret": "Your key for each server is derived from it; secret-NAME for a profile.",
    "~/.local/state/chatty/rooms.json": "The rooms that you created or joined, with the tokens to close them.",
    "~/.local/state/chatty/logins.json": "The tokens with which you are logged in to servers.",
}

_INTRODUCTION: Final = """\
# Reference of the commands

Generated from the commands by `make reference`. [Commands](commands.md) explains how to use them and what they
promise. The same reference is a manual page, [chatty.1](chatty.1), and each command has `--help`.
"""


def write(directory: Path) -> None:
    """Put both into ``directory``. Raises OSError."""
    (directory / "reference.md").write_text(markdown(), "utf-8")
    (directory / "chatty.1").write_text(manual(), "utf-8")


def markdown() -> str:
    """The reference, for reading on the web."""
    group = command_group()
    parts = [_INTRODUCTION]
    for heading, names in HEADINGS.items():
        parts.append(f"## {heading}\n")
        parts += [_section(name, group.find(name)) for name in names]
    parts.append("## Exit status\n")
    parts.append(_table(("status", "means"), [(f"{int(status)}", text) for status, text in MEANINGS.items()]))
    parts.append("## Environment\n")
    parts.append(_table(("variable", "means"), [(f"`{name}`", text) for name, text in _variables(group)]))
    parts.append("## Files\n")
    parts.append(_table(("file", "holds"), [(f"`{name}`", text) for name, text in _FILES.items()]))
    return "\n".join(parts)


def manual() -> str:
    """The manual page, in the language of man(7)."""
    group = command_group()
    page = [
        '.TH CHATTY 1 "" "" "Chatty"',
        ".ad l",
        ".nh",
        ".SH NAME",
        rf"chatty \- {_roff(summary(group)[:1].lower() + summary(group)[1:])}",
        ".SH SYNOPSIS",
        r"\fBchatty\fR \fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        _roff("Standard output is data; everything else goes to standard error."),
        *_definitions([Row(option.label, option.help, "", "", required=False) for option in rows(group)[1]]),
    ]
    for heading, names in HEADINGS.items():
        page.append(f".SH {heading.upper()}")
        for name in names:
            page += _subsection(name, group.find(name))
    for heading, defined in (
        ("EXIT STATUS", [(str(int(status)), text) for status, text in MEANINGS.items()]),
        ("ENVIRONMENT", _variables(group)),
        ("FILES", list(_FILES.items())),
    ):
        page += [f".SH {heading}", *_definitions([Row(name, text, "", "", required=False) for name, text in defined])]
    return "\n".join(page) + "\n"


def _rows(command: CliCommand) -> tuple[list[Row], list[Row]]:
    arguments, options = rows(command)
    return arguments, [row for row in options if "--help" not in row.label]


def _usage(name: str, command: CliCommand) -> str:
    return " ".join(["chatty", name, *command.collect_usage_pieces(typer.Context(command))])


def _default(row: Row) -> str:
    return row.default.replace(str(user_data_path("chatty")), "your data directory")


def _variables(group: CliGroup) -> list[tuple[str, str]]:
    """All variables, each with its meaning."""
    users: dict[str, list[tuple[str, str]]] = {}
    for name in COMMANDS:
        for option in rows(group.find(name))[1]:
            spelled = option.label.split(" / ")[0].split(", ")[-1].split(" ")[0]
            for variable in option.env.split(", ") if option.env else ():
                users.setdefault(variable, []).append((name, spelled))
    found = dict(_VARIABLES)
    for variable, used in users.items():
        command, spelled = used[0]
        where = f"{spelled} of chatty {command}" if len(used) == 1 else spelled
        found.setdefault(variable, f"The default for {where}.")
    return sorted(found.items())


def _section(name: str, command: CliCommand) -> str:
    arguments, options = _rows(command)
    parts = [f"### chatty {name}\n", f"    {_usage(name, command)}\n", inspect.cleandoc(command.help or "") + "\n"]
    parts.append("".join(f"    {example}\n" for example in command.examples))
    if arguments:
        parts.append(_table(("argument", "means"), [(f"`{row.label}`", row.help) for row in arguments]))
    if options:
        shown = [(f"`{row.label}`", row.help, _default(row), _code(row.env)) for row in options]
        parts.append(_table(("option", "means", "default", "variable"), shown))
    return "\n".join(parts)


def _code(variables: str) -> str:
    return ", ".join(f"`{variable}`" for variable in variables.split(", ")) if variables else ""


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in body)]
    return "".join("|" + "".join(f" {cell} |" if cell else " |" for cell in line) + "\n" for line in lines)


def _subsection(name: str, command: CliCommand) -> Iterator[str]:
    arguments, options = _rows(command)
    yield f".SS {_roff(_usage(name, command))}"
    for number, paragraph in enumerate(inspect.cleandoc(command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        yield _roff(" ".join(paragraph.split()))
    yield from _definitions([*arguments, *options])
    yield from (".PP", "Examples:", ".PP", ".RS 4", ".nf")
    yield from (_roff(example) for example in command.examples)
    yield from (".fi", ".RE")


def _definitions(defined: Sequence[Row]) -> Iterator[str]:
    for row in defined:
        notes = [f"Default: {_default(row)}." if row.default else "", f"Variable: {row.env}." if row.env else ""]
        yield ".TP"
        yield rf"\fB{_roff(row.label)}\fR"
        yield " ".join([_roff(row.help), *(_roff(note) for note in notes if note)])


def _roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    write(Path(sys.argv[1]))
