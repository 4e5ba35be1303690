"""What the prompt types into: the sides of conversations, and of all of them, that it needs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from rich.text import Text

from chatty.cli.join.window.pointing import Pointed

__all__ = ["Desk", "Desks"]


class Desk(Pointed, Protocol):
    """The side of a conversation that the prompt types into."""

    def enter(self, line: str) -> bool:
        """A line was entered. False: it was refused, and stays in the prompt."""

    def show(self, *lines: Text) -> None:
        """Show lines of chatty's own."""

    def pending(self) -> list[str]:
        """The messages on their way, oldest first, safe to show."""

    def rows(self, columns: int) -> list[Text]:
        """The rows that change by themselves, each at most so many ``columns`` wide."""

    def pressed(self) -> None:
        """A key was pressed."""

    def begin(self) -> None:
        """A line is begun out of sight: in an editor."""

    def target(self) -> str:
        """The message that the line is about, safe to show; empty if it isn't about one."""

    def people(self) -> list[str]:
        """The others, the latest to speak first."""

    def can(self) -> Collection[str]:
        """The rights that one has here."""


class Desks(Protocol):
    """All that can be typed into, each with a line of its own, and the keys that concern them all."""

    @property
    def front(self) -> Desk:
        """The one that is typed into."""

    @property
    def desks(self) -> Collection[Desk]:
        """All of them."""

    def leave(self) -> None:
        """The person wants to leave."""

    def status(self, columns: int) -> list[tuple[str, str]]:
        """The status line, as pairs of style and text."""

    def rooms_known(self) -> list[str]:
        """The names of the rooms that one could go to."""

    def turn_to(self, number: int) -> None:
        """Bring desk ``number`` to the front."""

    def turn(self, by: int) -> None:
        """Bring the next one to the front, or the previous one."""

    def turn_to_news(self) -> None:
        """Bring the next one to the front in which something is new."""
