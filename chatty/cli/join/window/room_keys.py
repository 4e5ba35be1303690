"""The keys that bring another room to the front."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from chatty.cli.join.window.desks import Desks

__all__ = ["room_keys"]


def room_keys(rooms: Desks) -> KeyBindings:
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
