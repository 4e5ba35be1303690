"""What the actions behind slash commands have in common."""

from __future__ import annotations

import re
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from rich.text import Text

from chatty import protocol
from chatty.cli.join.rendering import view
from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.settings.preferences import Preferences
from chatty.client.http import Http

__all__ = ["Actions", "Host", "Outcome", "first_word"]

_WORD: Final = re.compile(r"(\S*)\s*(.*)", re.DOTALL)

Outcome = protocol.Say | Coroutine[Any, Any, None] | None
"""The outcome of a command: something for the room, work that takes a while, or nothing more."""


class Host(Protocol):
    """The conversation that commands act on."""

    preferences: Preferences
    """The settings that are in force here."""
    plain: bool
    """Whether nothing is redrawn, and the terminal itself edits what is typed."""

    def now(self) -> float:
        """The time, in seconds since 1970."""

    def show(self, *lines: Text) -> None:
        """Show lines of chatty's own."""

    def give_back(self, line: str) -> None:
        """Put ``line`` into the prompt."""

    def clear(self) -> None:
        """Clear the window."""

    def help(self, argument: str) -> None:
        """Show the commands and the keys; with ``argument``, explain one command, or the keys. May raise Wrong."""

    async def page(self, text: str) -> bool:
        """Open ``text``, which is safe to show, in the person's pager. False: there is none."""

    def quit(self) -> Outcome:
        """Leave."""

    # --- other rooms; each may raise Wrong ---

    def go(self, argument: str) -> Outcome:
        """Bring the room with this number or name to the front."""

    def enter_room(self, argument: str) -> Outcome:
        """Open the room with this id, URL or name."""

    def part(self) -> Outcome:
        """Leave this room, and stay in the others."""

    def rooms(self) -> Outcome:
        """Show the rooms that are known."""

    def invite(self) -> Outcome:
        """Show how others get into this room."""


class Actions:
    """A method for each command. It gets the text behind the command's name.

    Methods raise Wrong if that text makes no sense. If work fails later, a line
    says so.
    """

    def __init__(self, host: Host, http: Http, room_id: str, incoming: Incoming) -> None:
        self._host = host
        self._http = http
        self._room_id = room_id
        self._incoming = incoming
        self._people = incoming.people
        self._pointer = incoming.pointer
        self._hidden = incoming.hidden
        self._preferences = host.preferences

    def _notice(self, text: str) -> None:
        self._host.show(view.notice(text))


def first_word(text: str, start: int = 0) -> tuple[str, str]:
    """The word with which ``text`` begins at ``start``, and the rest."""
    found = _WORD.match(text, start)
    assert found  # it matches anything
    return found[1], found[2]
