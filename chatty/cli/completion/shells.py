"""Completes a half-typed command line for a shell.

The scripts of ``chatty completion`` set ``_CHATTY_COMPLETE`` and pass the
line up to the cursor. Each line of the answer is ``=`` and a word that fits,
or ``files`` if the shell should complete the names of files itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import typer
from typer.core import TyperArgument, TyperOption

from chatty.cli.completion.help import CliCommand, CliGroup, row, summary
from chatty.cli.environment import Environment

__all__ = ["Line", "Offer", "answer", "in_bash", "offers", "parse"]

_PLAIN: Final = frozenset("_@%+:,./=-")
_FILES: Final = "files"
_ESCAPED: Final = {"": None, '"': '"\\$`'}
"""The characters that a backslash escapes, by the quotes around it; None: any character."""
_FISH_ESCAPED: Final = {"": None, '"': '"\\$', "'": "'\\"}


class Line(NamedTuple):
    """A half-typed line as words without their quotes, ``word`` the last one.

    ``quote`` is the one that ``word`` has left open, and ``kept`` the part of
    it that bash does not replace.
    """

    words: list[str]
    word: str
    kept: str
    quote: str


class Offer(NamedTuple):
    """A word that fits, and what it means."""

    word: str
    help: str = ""


def answer(env: Environment, group: CliGroup, shell: str, arguments: Sequence[str]) -> int:
    """Print how the line in ``arguments`` may continue; bash also passes the characters that divide words."""
    breaks = arguments[1] if len(arguments) > 1 else ""
    line = parse(arguments[0] if arguments else "", breaks=breaks, fish=shell == "fish")
    found = offers(env, group, line)
    if found is None:
        env.out(_FILES)
        return 0
    for offer in found:
        if not offer.word.startswith(line.word) or not offer.word.isprintable():
            continue
        if shell == "bash":
            written = in_bash(offer.word, line)
        elif shell == "zsh":
            escaped = offer.word.replace("\\", "\\\\").replace(":", "\\:")
            written = f"{escaped}:{offer.help}" if offer.help else escaped
        else:
            written = f"{offer.word}\t{offer.help}" if offer.help else offer.word
        if written is not None:
            env.out(f"={written}")
    return 0


def parse(line: str, *, breaks: str = "", fish: bool = False) -> Line:
    """Take ``line`` apart as shells do. Outside quotes, bash completes only what is behind one of ``breaks``."""
    escaping = _FISH_ESCAPED if fish else _ESCAPED
    words: list[str] = []
    word, kept, opened, quote = "", "", "", ""
    begun = escaped = False
    for character in line:
        if escaped:
            plain = escaping[quote]
            word += character if plain is None or character in plain else f"\\{character}"
            escaped = False
        elif character == "\\" and quote in escaping:
            begun = escaped = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word += character
        elif character in "\"'":
            begun, quote, opened = True, character, word
        elif character.isspace():
            if begun:
                words.append(word)
            word, kept, begun = "", "", False
        else:
            begun = True
            word += character
            if character in breaks:
                kept = word
    return Line(words, word, opened if quote else kept, quote)


def in_bash(word: str, line: Line) -> str | None:
    """``word`` as bash must put it behind what it keeps; None if it can't be written inside the open quote."""
    if not word.startswith(line.kept):
        return None
    rest = word[len(line.kept) :]
    if line.quote == "'":
        return rest.replace("'", "'\\''")
    if line.quote:
        return None if "!" in rest else "".join(f"\\{c}" if c in '"\\$`' else c for c in rest)
    return "".join(c if c.isalnum() or c in _PLAIN or (c > "\x7f" and not c.isspace()) else f"\\{c}" for c in rest)


def offers(env: Environment, group: CliGroup, line: Line) -> list[Offer] | None:
    """The words that fit at the end of ``line``; None: files."""
    words, above = line.words[1:], typer.Context(group, info_name="chatty", obj=env)
    while True:
        place = next((place for place, word in enumerate(words) if word and not word.startswith("-")), None)
        if place is None:
            commands = [
                Offer(name, summary(group.commands[name])) for name in group.commands if name.startswith(line.word)
            ]
            return [*commands, *_spellings(list(_options(above)))]
        command, words = group.commands.get(words[place]), words[place + 1 :]
        if isinstance(command, CliGroup):
            group, above = command, typer.Context(command, parent=above)
        elif isinstance(command, CliCommand):
            return _inside(typer.Context(command, parent=above), words, line.word)
        else:
            return []


def _inside(ctx: typer.Context, words: Sequence[str], word: str) -> list[Offer] | None:
    options = {spelling: option for option in _options(ctx) for spelling in (*option.opts, *option.secondary_opts)}
    arguments = [param for param in ctx.command.params if isinstance(param, TyperArgument)]
    given: list[str] = []
    only_arguments = False
    waiting: TyperOption | None = None
    for before in words:
        if waiting:
            waiting = None
        elif only_arguments or not before.startswith("-"):
            given.append(before)
        elif before == "--":
            only_arguments = True
        elif (option := options.get(before)) and not option.is_flag:
            waiting = option
    if waiting:
        return _values(ctx, waiting)
    if word.startswith("-") and not only_arguments:
        name, equals, _ = word.partition("=")
        if equals and name in options:
            values = _values(ctx, options[name])
            return None if values is None else [Offer(f"{name}={value.word}") for value in values]
        used = {id(options[before]) for before in words if before in options and not options[before].multiple}
        return _spellings([option for option in _options(ctx) if id(option) not in used])
    if len(given) >= len(arguments) and not (arguments and arguments[-1].nargs == -1):
        return []
    place = min(len(given), len(arguments) - 1)
    values = _values(ctx, arguments[place])
    if values is None:
        return None
    given = given[place:]  # all of them, of an argument that may be repeated
    return [one for one in values if one.word not in given and (only_arguments or not one.word.startswith("-"))]


def _options(ctx: typer.Context) -> Iterator[TyperOption]:
    return (param for param in ctx.command.get_params(ctx) if isinstance(param, TyperOption) and not param.hidden)


def _spellings(options: Sequence[TyperOption]) -> list[Offer]:
    spelled = [(spelling, option) for option in options for spelling in (*option.opts, *option.secondary_opts)]
    return [Offer(spelling, row(option).help) for spelling, option in spelled if spelling.startswith("--")]


def _values(ctx: typer.Context, param: TyperArgument | TyperOption) -> list[Offer] | None:
    if param.type_descriptor.annotation is Path or (param.metavar or "").endswith("CMD"):
        return None
    return [Offer(str(item.value), item.help or "") for item in param.shell_complete(ctx, "")]
