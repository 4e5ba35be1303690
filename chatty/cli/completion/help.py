"""The description of a command: as help in a terminal, and as rows for the reference and the manual page."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

__all__ = ["CliCommand", "CliGroup", "Row", "docstring", "row", "rows", "summary"]

_NOTES: Final = re.compile(r" *\[(?:env: (?P<env>[^];]+))?(?:; )?(?:default: (?P<default>[^]]+))?\]$")


class Row(NamedTuple):
    """An argument or option: how it is written, what it means, its variables and its default ("" if none)."""

    label: str
    help: str
    env: str
    default: str
    required: bool


def rows(command: TyperCommand | TyperGroup) -> tuple[list[Row], list[Row]]:
    """The arguments and the options of ``command``."""
    params = [param for param in command.get_params(typer.Context(command)) if not getattr(param, "hidden", False)]
    arguments = [row(param) for param in params if isinstance(param, TyperArgument)]
    options = [row(param) for param in params if isinstance(param, TyperOption)]
    return arguments, options


def row(param: TyperArgument | TyperOption) -> Row:
    """The description of ``param``."""
    text = " ".join((param.help or "").split())
    written = _NOTES.search(text)  # variables and defaults that Typer doesn't know are in the help's text
    env, default = (written["env"], written["default"]) if written else (None, None)
    return Row(
        label=_option(param) if isinstance(param, TyperOption) else _argument(param),
        help=text[: written.start()] if written else text,
        env=env or (param.envvar if isinstance(param.envvar, str) else ""),
        default=default or _default(param),
        required=param.required,
    )


def _argument(param: TyperArgument) -> str:
    return param.display_name_raw + ("..." if param.nargs != 1 else "")


def _option(param: TyperOption) -> str:
    spellings = ", ".join(sorted(param.opts, key=len))
    if param.secondary_opts:
        spellings += f" / {', '.join(param.secondary_opts)}"
    return (
        spellings
        if param.is_flag
        else f"{spellings} {param.metavar or '|'.join(param.type_descriptor.choices or ()) or 'TEXT'}"
    )


def _default(param: TyperArgument | TyperOption) -> str:
    value = param.default
    if isinstance(param.show_default, str):
        return param.show_default
    if not param.show_default or value is None or value is False or value == "" or callable(value):
        return ""
    if value is True:
        return max(param.opts, key=len).lstrip("-")
    return f"{value:g}" if isinstance(value, float) else str(value)


class CliCommand(TyperCommand):
    """A command whose help has ``examples``: command lines as a user types them."""

    examples: Sequence[str] = ()

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        arguments, options = rows(self)
        needed = [each.label for each in options if each.required]
        return ["[OPTIONS]", *needed, *(each.label if each.required else f"[{each.label}]" for each in arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        for heading, listed in zip(("Arguments", "Options"), rows(self), strict=True):
            _write(formatter, heading, listed)


class CliGroup(TyperGroup):
    """Commands, listed under ``headings``, each of which has the names of its commands."""

    headings: Mapping[str, Sequence[str]]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["COMMAND [OPTIONS] [ARGUMENTS]"]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        width = max(len(name) for names in self.headings.values() for name in names)
        for heading, names in self.headings.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:{width}}", summary(self.find(name))) for name in names])
        _write(formatter, "Options", rows(self)[1])
        formatter.write_paragraph()
        formatter.write_text(f"{ctx.command_path} COMMAND --help shows a command's options, with examples.")

    def find(self, name: str) -> CliCommand:
        """The command called ``name``, which may have several words. Raises KeyError."""
        word, _, rest = name.partition(" ")
        found = self.commands[word]
        if isinstance(found, CliGroup):
            return found.find(rest)
        assert isinstance(found, CliCommand)
        return found


def docstring(function: Any) -> str | None:
    """The docstring of ``function``, which is a command's help; from its source if ``PYTHONOPTIMIZE=2`` dropped it."""
    if function.__doc__ is None:
        try:
            (definition,) = ast.parse(inspect.getsource(function)).body
        except (OSError, SyntaxError):  # there is no source either
            return None
        return ast.get_docstring(definition) if isinstance(definition, ast.FunctionDef) else None
    return str(function.__doc__)


def summary(command: Any) -> str:
    """The first sentence of a command's help."""
    return inspect.cleandoc(command.help or "").partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".")


def _write(formatter: Any, heading: str, listed: Sequence[Row]) -> None:
    if not listed:
        return
    with formatter.section(heading):
        formatter.write_dl([(each.label, _meaning(each)) for each in listed])


def _meaning(row: Row) -> str:
    notes = [f"env: {row.env}" if row.env else "", f"default: {row.default}" if row.default else ""]
    noted = "; ".join(note for note in notes if note)
    return f"{row.help} [{noted}]" if noted else row.help
