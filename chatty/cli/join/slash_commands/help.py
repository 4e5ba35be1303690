"""The help of the client: its commands and keys."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from chatty.cli.join.slash_commands.table import serving

__all__ = ["KEYS", "help_lines"]

KEYS: Final = (
    ("Enter", "sends; a paste of more than 5 lines when pressed twice; Alt-Enter: new line"),
    ("Up, Down", "what you sent before, unless it began with a space"),
    ("Ctrl-R", "searches in it; again: further back; Enter takes what was found"),
    ("Ctrl-X Ctrl-E", "opens your editor ($VISUAL, $EDITOR) with the draft"),
    ("Tab", "completes a /command, an @name or an :emoji:"),
    ("Ctrl-C", "closes the menu, clears the draft; twice: leaves"),
    ("Ctrl-D", "leaves when the line is empty"),
    ("Ctrl-Z", "suspends; fg comes back"),
    ("//text", "sends a line that begins with a slash"),
)


def help_lines(can: Collection[str]) -> list[str]:
    """The help, from the same table, ready to show to somebody who ``can`` do that."""
    rows = [(f"/{command.name} {command.argument}".rstrip(), command.help) for command in serving(can)]
    width = max(len(left) for left, _ in (*rows, *KEYS))
    return [f"{left:<{width}}  {right}" for left, right in (*rows, *KEYS)]
