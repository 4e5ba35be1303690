"""The help of the client: an overview that fits a window of 80 × 24, and more about each command and the keys."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from itertools import zip_longest
from textwrap import wrap
from typing import Final, NamedTuple

from rich.text import Text

from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.explained import EXPLAINED, Explained
from chatty.cli.join.slash_commands.table import Command, serving
from chatty.cli.terminal.cleaning import clean
from chatty.cli.terminal.width import width

__all__ = ["KEYS", "Key", "help_lines"]

COLUMN: Final = 37
"""Columns that each half of the overview has; two of them, and what is between, fit 80."""
INDENT: Final = "  "


class Key(NamedTuple):
    """A key, in the overview's few words and in a sentence. Without the former, the overview hasn't got it."""

    name: str
    short: str
    help: str


KEYS: Final = (
    Key("Enter", "send; Alt-Enter: newline", "sends; a long paste when pressed twice; Alt-Enter: a new line"),
    Key("Up, Ctrl-R", "what you typed before", "bring back what you sent before; Ctrl-R searches in it"),
    Key("Tab", "completes / @ :", "completes a /command, an @name, an :emoji:, a room"),
    Key("Ctrl-X Ctrl-E", "your editor", "opens your editor ($VISUAL, $EDITOR) with the draft"),
    Key("Alt-↑ Alt-↓", "select a message", "select a message: Enter with a text answers it, Esc lets go"),
    Key("Alt-R E D Y", "react edit delete copy", "Alt-R reacts to it, Alt-E edits, Alt-D deletes, Alt-Y copies it"),
    Key("Alt-1…9 ← → A", "rooms: go, next, new", "Alt-1…9, Alt-0, Alt-←, Alt-→: go to a room; Alt-A: to news"),
    Key("Ctrl-C Ctrl-D", "clear, leave", "close a menu, clear the draft; Ctrl-C twice or Ctrl-D: leave"),
    Key("Ctrl-Z", "", "suspends; fg comes back"),
    Key("//text", "", "sends a line that begins with a slash"),
)
PLAIN_KEYS: Final = (
    Key("Enter", "send", "sends, and confirms what was asked"),
    Key("Ctrl-D", "leave", "leaves"),
    Key("//text", "send it with a slash", "sends a line that begins with a slash"),
)


def help_lines(about: str, can: Collection[str], *, plain: bool) -> list[Text]:
    """The help for somebody who ``can`` do that: all of it, or ``about`` a command or the ``keys``.

    ``plain``: for plain lines. Raises Wrong if it isn't about anything.
    """
    commands, keys = serving(can, plain=plain), PLAIN_KEYS if plain else KEYS
    about = about.strip().removeprefix("/").lower()
    if not about:
        return _overview(commands, keys)
    if about == "keys":
        left = max(width(key.name) for key in keys)
        return [_row(key.name, left, key.help) for key in keys]
    for command in commands:
        if command.name == about:
            return _explained(command, plain=plain)
    near = get_close_matches(about, [command.name for command in commands], n=1)
    raise Wrong(f"no command /{clean(about[:40], newlines=False)}. {f'See /help {near[0]}' if near else 'See /help'}")


def _explained(command: Command, *, plain: bool) -> list[Text]:
    sentence, example, keys = EXPLAINED.get(command.name, Explained(command.help))
    lines = [Text(f"{INDENT}{command.usage}", style="bold")]
    lines += [Text(f"{INDENT}{row}") for row in wrap(sentence, 76)]
    lines += [Text(f"{INDENT}For example: {example}")] if example else []
    lines += [Text(f"{INDENT}Keys: {keys}", style="dim")] if keys and not plain else []
    return lines


def _overview(commands: list[Command], keys: tuple[Key, ...]) -> list[Text]:
    """The topics in two columns, as equal in height as can be."""
    topics: dict[str, list[Command]] = {}
    for command in commands:
        topics.setdefault("Moderate" if command.needs else command.topic, []).append(command)
    blocks = [_block(topic, topics[topic]) for topic in sorted(topics, key=_ORDER.index)]
    left = max(width(key.name) for key in keys)
    blocks.append([Text("Keys", style="bold"), *(_row(key.name, left, key.short, "") for key in keys if key.short)])
    half = min(range(len(blocks) + 1), key=lambda cut: max(_height(blocks[:cut]), _height(blocks[cut:])))
    columns = ([row for block in part for row in block] for part in (blocks[:half], blocks[half:]))
    lines = [_beside(*pair) for pair in zip_longest(*columns, fillvalue=Text())]
    return [*lines, Text(f"{INDENT}/help COMMAND explains one, /help keys the keys", style="dim")]


_ORDER: Final = ("Talk", "Point at a message", "Read", "Rooms", "Yourself", "Moderate")


def _block(topic: str, commands: list[Command]) -> list[Text]:
    undoing = {f"un{command.name}" for command in commands} & {command.name for command in commands}
    names = {
        f"/{'[un]' if f'un{command.name}' in undoing else ''}{command.name}": command
        for command in commands
        if command.name not in undoing
    }
    if topic == "Moderate":
        rows = [Text(row) for row in wrap(" ".join(names), COLUMN)]
    else:
        left = max(map(len, names))
        rows = [_row(name, left, command.help, "") for name, command in names.items()]
    return [Text(topic, style="bold"), *rows]


def _row(left: str, columns: int, right: str, indent: str = INDENT) -> Text:
    return Text(f"{indent}{left}{' ' * (columns - width(left))}  {right}")


def _height(blocks: list[list[Text]]) -> int:
    return sum(map(len, blocks))


def _beside(left: Text, right: Text) -> Text:
    line = Text(INDENT).append_text(left)
    return line.append(" " * (COLUMN + 1 - width(left.plain))).append_text(right) if right else line
