"""The help of the client: an overview that fits a window of 80 × 24, and more about each command and the keys."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from itertools import zip_longest
from textwrap import wrap
from typing import Final, NamedTuple

from rich.text import Text

from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.settings.table import SETTINGS
from chatty.cli.join.slash_commands.explained import EXPLAINED, Explained
from chatty.cli.join.slash_commands.table import Command, serving
from chatty.cli.terminal.cleaning import clean
from chatty.cli.terminal.width import width

__all__ = ["KEYS", "Key", "help_lines"]

COLUMN: Final = 37
"""Columns that each half of the overview has; two of them, and what is between, fit 80."""
INDENT: Final = "  "
WHOLE: Final = 2 * COLUMN + 4
"""Columns that a window needs for both halves."""


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
MARKS: Final = (
    ("!", "the message mentions you"),
    ("✎", "the message was edited; this is its new text"),
    ("↪ Ada: hello", "the message below answers this one"),
    ("Ada 👍 → Eve: hi", "Ada reacted to Eve's message"),
    ("hello  👍 2", "how many had reacted when it was shown"),
    ("* Ada waves", "Ada wrote /me waves"),
    ("✓ before a name", "the server has reserved this name for its author"),
    ("→ ←", "joined, left"),
    ("▶", "a message that is being edited, and changes in place"),
    ("#42", "a message's number, for /reply, /show and others"),
    ("-- !! ✗", "a notice; something went wrong; a message was not sent"),
    ("● ◐ ○ ✕", "connected, connecting, reconnecting, offline"),
    ("2 #ops 3 !1", "room 2 has 3 new messages; or 1 that mentions you"),
)
PLAIN_KEYS: Final = (
    Key("Enter", "send", "sends, and confirms what was asked"),
    Key("Ctrl-D", "leave", "leaves"),
    Key("//text", "send it with a slash", "sends a line that begins with a slash"),
)


def help_lines(about: str, can: Collection[str], *, plain: bool, columns: int = 0) -> list[Text]:
    """The help for somebody who ``can`` do that: all of it, or ``about`` a command, the ``keys`` or the ``marks``.

    ``plain``: for plain lines. The window has so many ``columns``; 0: it is not known how many. Raises Wrong if it
    isn't about anything.
    """
    commands, keys = serving(can, plain=plain), PLAIN_KEYS if plain else KEYS
    about = about.strip().removeprefix("/").lower()
    if not about:
        return _names(commands, columns) if 0 < columns < WHOLE else _overview(commands, keys)
    if about == "keys":
        left = max(width(key.name) for key in keys)
        return [_row(key.name, left, key.help) for key in keys]
    if about == "marks":
        left = max(width(mark) for mark, _ in MARKS)
        return [_row(mark, left, meaning) for mark, meaning in MARKS]
    for command in commands:
        if command.name == about:
            return _explained(command, plain=plain)
    if about in {setting.name for setting in SETTINGS}:
        raise Wrong(f"{about} is a setting. See /set {about}")
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
    blocks = [_block(topic, of_it) for topic, of_it in _by_topic(commands)]
    left = max(width(key.name) for key in keys)
    blocks.append([Text("Keys", style="bold"), *(_row(key.name, left, key.short, "") for key in keys if key.short)])
    half = min(range(len(blocks) + 1), key=lambda cut: max(_height(blocks[:cut]), _height(blocks[cut:])))
    columns = ([row for block in part for row in block] for part in (blocks[:half], blocks[half:]))
    lines = [_beside(*pair) for pair in zip_longest(*columns, fillvalue=Text())]
    return [*lines, _more()]


def _names(commands: list[Command], columns: int) -> list[Text]:
    """The topics with nothing but the names of their commands: where two columns have no room."""
    lines: list[Text] = []
    for topic, of_it in _by_topic(commands):
        names = wrap(" ".join(_paired(of_it)), max(columns - 2 * len(INDENT), 1), break_on_hyphens=False)
        lines += [Text(f"{INDENT}{topic}", style="bold"), *(Text(f"{INDENT * 2}{row}") for row in names)]
    return [*lines, _more()]


def _more() -> Text:
    return Text(f"{INDENT}/help COMMAND explains one, /help keys the keys, /help marks the marks", style="dim")


def _by_topic(commands: list[Command]) -> list[tuple[str, list[Command]]]:
    topics: dict[str, list[Command]] = {}
    for command in commands:
        topics.setdefault("Moderate" if command.needs else command.topic, []).append(command)
    return sorted(topics.items(), key=lambda item: _ORDER.index(item[0]))


_ORDER: Final = ("Talk", "Point at a message", "Read", "Rooms", "Yourself", "Moderate")


def _paired(commands: list[Command]) -> dict[str, Command]:
    """The commands by how they are listed: those that undo another one together with that."""
    undoing = {f"un{command.name}" for command in commands} & {command.name for command in commands}
    return {
        f"/{'[un]' if f'un{command.name}' in undoing else ''}{command.name}": command
        for command in commands
        if command.name not in undoing
    }


def _block(topic: str, commands: list[Command]) -> list[Text]:
    names = _paired(commands)
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
