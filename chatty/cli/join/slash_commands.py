"""The slash commands, as one table: what can be typed, its help, its completion, and what it does.

This module knows neither the terminal nor the room: what a command does is
asked of `Actions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, Protocol

from chatty import protocol
from chatty.cli.terminal.cleaning import clean
from chatty.protocol import Send

__all__ = ["COMMANDS", "KEYS", "Actions", "Command", "Do", "Outcome", "Wrong", "complete", "help_lines", "parse"]

HISTORY: Final = 100
"""Messages that ``/history`` shows when no number is given."""
HISTORY_MOST: Final = 5_000

_PARTS: Final = re.compile(r"(\S*)\s*(.*)", re.DOTALL)

Outcome = protocol.Say | Coroutine[Any, Any, None] | None
"""What a command comes to: something said to the room, work that takes a while, or nothing more."""


class Wrong(ValueError):
    """A line that is neither sent nor done; ``str(wrong)`` tells the person why, and what to type instead."""


class Actions(Protocol):
    """What commands can do.

    Each raises `Wrong` where what it is asked for makes no sense. Work that
    fails later says so to the person.
    """

    def help(self) -> None:
        """Show the commands and the keys."""

    def reply(self, argument: str) -> Outcome:
        """Answer the last message of somebody else, or the one that ``argument`` begins with (``#42``, ``@Ada``)."""

    def edit(self, text: str) -> Outcome:
        """Change one's own last message; without ``text``, put it into the prompt."""

    def delete(self, which: str) -> Outcome:
        """Delete one's own last message, or the one that ``which`` names."""

    def react(self, argument: str, *, remove: bool = False) -> Outcome:
        """React with what ``argument`` begins with, or take that back; to which message as in `reply`."""

    def topic(self, text: str) -> Outcome:
        """Show what the room is about, or say it; ``-`` says nothing."""

    async def who(self) -> None:
        """Show who is in the room."""

    async def history(self, count: int) -> None:
        """Show the newest ``count`` messages once more, or for the first time."""

    async def search(self, words: str) -> None:
        """Show the newest messages that have all the ``words``."""

    def ignore(self, name: str) -> None:
        """Hide what ``name`` says; without one, tell who is ignored."""

    def unignore(self, name: str) -> None:
        """Show again what ``name`` says."""

    def quiet(self) -> None:
        """Hide who joins and leaves, or show it again."""

    def timestamp(self) -> None:
        """Leave the time out of the lines, or show it again."""

    def clear(self) -> None:
        """Clear the window."""

    async def quit(self) -> None:
        """Leave the room and end."""


class Command(NamedTuple):
    """A slash command: ``name`` without its slash, ``argument`` as the help shows it.

    An argument in brackets may be left out; empty means that there is none.
    """

    name: str
    argument: str
    help: str
    run: Callable[[Actions, str], Outcome]


def _count(argument: str) -> int:
    if not argument:
        return HISTORY
    if not argument.isdecimal() or not 1 <= int(argument[:9]) <= HISTORY_MOST:
        raise Wrong(f"/history takes a number from 1 to {HISTORY_MOST:,}, for example /history 200")
    return int(argument)


COMMANDS: Final = (
    Command("help", "", "the commands and the keys", lambda actions, _: actions.help()),
    Command("me", "TEXT", "say what you do: * Ada waves", lambda _, text: Send(text, action=True)),
    Command("reply", "[@NAME|#SEQ] TEXT", "answer somebody's last message", lambda actions, text: actions.reply(text)),
    Command(
        "edit", "[TEXT]", "change your last message; alone, it comes back", lambda actions, text: actions.edit(text)
    ),
    Command("delete", "[#SEQ]", "delete your last message", lambda actions, which: actions.delete(which)),
    Command(
        "react", ":+1: [@NAME|#SEQ]", "react to somebody's last message", lambda actions, text: actions.react(text)
    ),
    Command(
        "unreact",
        ":+1: [@NAME|#SEQ]",
        "take a reaction back",
        lambda actions, text: actions.react(text, remove=True),
    ),
    Command("who", "", "who is here, and who is away", lambda actions, _: actions.who()),
    Command(
        "topic",
        "[TEXT]",
        "what the room is about; - clears it",
        lambda actions, text: actions.topic(text),
    ),
    Command("nick", "NAME", "change your name", lambda _, name: protocol.Rename(name)),
    Command(
        "history", "[N]", f"the last N messages ({HISTORY} unless told)", lambda actions, n: actions.history(_count(n))
    ),
    Command("search", "WORDS", "the newest messages with these words", lambda actions, words: actions.search(words)),
    Command("ignore", "[NAME]", "hide what somebody says, until you leave", lambda actions, name: actions.ignore(name)),
    Command("unignore", "NAME", "show it again", lambda actions, name: actions.unignore(name)),
    Command("quiet", "", "hide who joins and leaves, or show it again", lambda actions, _: actions.quiet()),
    Command("timestamp", "", "hide the time, or show it again", lambda actions, _: actions.timestamp()),
    Command("clear", "", "clear the window", lambda actions, _: actions.clear()),
    Command("quit", "", "leave the room", lambda actions, _: actions.quit()),
)

KEYS: Final = (
    ("Enter", "sends, a paste above 5 lines when pressed twice; Alt-Enter: new line"),
    ("Up, Down", "what you sent before, unless it began with a space"),
    ("Ctrl-R", "searches in it; again: further back; Enter takes what was found"),
    ("Ctrl-X Ctrl-E", "opens your editor ($VISUAL, $EDITOR) with the draft"),
    ("Tab", "completes a /command, an @name or an :emoji:"),
    ("Ctrl-C", "closes the menu, clears the draft; twice: leaves"),
    ("Ctrl-D", "leaves when the line is empty"),
    ("Ctrl-Z", "suspends; fg comes back"),
    ("//text", "sends a line that begins with a slash"),
)


class Do(NamedTuple):
    """Run ``command`` with what was typed behind its name."""

    command: Command
    argument: str

    def run(self, actions: Actions) -> Outcome:
        """Do it. Raises Wrong if the argument is none for this command."""
        name, takes = self.command.name, self.command.argument
        if self.argument and not takes:
            raise Wrong(f"/{name} takes nothing behind it")
        if takes and not self.argument and not (takes.startswith("[") and takes.endswith("]")):
            raise Wrong(f"/{name} needs more: /{name} {takes}")
        return self.command.run(actions, self.argument)


def parse(line: str) -> Send | Do:
    """What a typed line means. What looks like a command is never text: raises Wrong if it is no known one."""
    typed = line.strip()
    if not typed.startswith("/"):
        return Send(line)
    if typed.startswith("//"):
        return Send(typed[1:])
    found = _PARTS.match(typed, 1)
    assert found  # it matches anything
    name, argument = found.groups()
    for command in COMMANDS:
        if command.name == name:
            return Do(command, argument)
    shown = clean(name.split("\n", 1)[0][:40])
    close = get_close_matches(name.lower(), [command.name for command in COMMANDS], n=1, cutoff=0.5)
    if close:
        raise Wrong(f"Unknown /{shown}. Did you mean /{close[0]}?")
    raise Wrong(f"Unknown /{shown}. See /help; to send it as text, begin with //")


def complete(before: str) -> list[Command]:
    """The commands that ``before``, the text up to the cursor, may become. None unless it begins with one slash."""
    if not before.startswith("/") or " " in before or "\n" in before:
        return []
    return [command for command in COMMANDS if command.name.startswith(before[1:])]


def help_lines() -> list[str]:
    """The help, from the same table, ready to show."""
    rows = [(f"/{command.name} {command.argument}".rstrip(), command.help) for command in COMMANDS]
    width = max(len(left) for left, _ in (*rows, *KEYS))
    return [f"{left:<{width}}  {right}" for left, right in (*rows, *KEYS)]
