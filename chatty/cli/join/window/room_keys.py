"""The keys that bring another room to the front."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

__all__ = ["room_keys"]


class Rooms(Protocol):
    """All rooms that are open."""

    def turn_to(self, number: int) -> None:
        """Bring room ``number`` to the front."""

    def turn(self, by: int) -> None:
        """Bring the next room to the front, or the previous one."""

    def turn_to_news(self) -> None:
        """Bring the next room to the front in which something is new."""


def room_keys(rooms: Rooms) -> KeyBindings:
    """Alt-1 … Alt-9 and Alt-0, which is the tenth, Alt-Left and Alt-Right, Alt-A."""
    keys = KeyBindings()

    def bind(key: str, act: Callable[[], None]) -> None:
        @keys.add("escape", key)
        def _(event: KeyPressEvent) -> None:
            act()

    for number in range(1, 11):
        bind(str(number % 10), partial(rooms.turn_to, number))
    bind("left", partial(rooms.turn, -1))
    bind("right", partial(rooms.turn, 1))
    bind("a", rooms.turn_to_news)
    return keys
