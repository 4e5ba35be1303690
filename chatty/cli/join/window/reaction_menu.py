"""The small menu of reactions: a digit picks one, and a name finds others. Pure."""

from __future__ import annotations

import re
from typing import Final

from chatty.cli.join.rendering.emoji import emoji_names, names_like

__all__ = ["ReactionMenu"]

COMMON: Final = ("+1", "heart", "joy", "tada", "eyes", "white_check_mark", "-1")
"""The reactions that are offered before anything is typed."""
MOST: Final = 7
_NAME: Final = re.compile(r"[a-z0-9_+:-]")


class ReactionMenu:
    """Offers reactions while somebody chooses one."""

    def __init__(self) -> None:
        self.typed = ""
        """The name that is being typed."""

    @property
    def _offered(self) -> tuple[str, ...]:
        name = self.typed.strip(":")
        return tuple(names_like(name)[:MOST]) if name else COMMON

    def press(self, key: str) -> str:
        """Take in a key that was typed. Gives the reaction if that picks one, else an empty text.

        Behind a colon, digits are part of the name.
        """
        if key.isdecimal() and not self.typed.startswith(":") and 1 <= int(key) <= len(self._offered):
            return emoji_names()[self._offered[int(key) - 1]]
        if _NAME.fullmatch(key.lower()):
            self.typed += key.lower()
        whole = re.fullmatch(r":([^:]+):", self.typed)
        return emoji_names().get(whole[1], "") if whole else ""

    def enter(self) -> str:
        """The reaction that a name was typed for: the first that is offered; empty if none is."""
        return emoji_names()[self._offered[0]] if self.typed.strip(":") and self._offered else ""

    def erase(self) -> bool:
        """Take back the key that was typed last. False: there is none."""
        typed, self.typed = self.typed, self.typed[:-1]
        return bool(typed)

    def row(self) -> str:
        """The menu on one line."""
        named = bool(self.typed.strip(":"))
        offered = [
            f"{number} {emoji_names()[name]}{f' :{name}:' if named else ''}"
            for number, name in enumerate(self._offered, 1)
        ]
        shown = "  ".join(offered) or "no emoji is called so"
        return f"react {self.typed}▏ {shown}  · {'Enter: 1' if named else 'or a name'} · Esc"
