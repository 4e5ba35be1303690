"""What has come while nobody pressed a key, who is mentioned, and who is typing. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

from chatty.cli.join.mentions import is_mention
from chatty.cli.terminal.cleaning import clean
from chatty.events import Message
from chatty.protocol import TYPING_SECONDS

__all__ = ["Attention", "Bell"]

Bell = Literal["mention", "all", "off"]
"""What the bell rings for."""

AWAY: Final = 60.0
"""Seconds without a key after which somebody counts as away, and is told what is new."""


class Attention:
    """Counts what is new since the last key. ``clock`` gives seconds, ``local`` the reader's own time."""

    def __init__(self, clock: Callable[[], float], local: Callable[[datetime], datetime], bell: Bell) -> None:
        self.mentions = 0
        """Messages that spoke of the reader, since the last key."""
        self._clock = clock
        self._local = local
        self._bell = bell
        self._pressed = clock()
        self._new = 0
        self._since: datetime | None = None
        self._rings = False
        self._typing: dict[str, float] = {}

    def hear(self, message: Message, me: str) -> None:
        """Somebody said something, just now."""
        self._typing.pop(message.participant, None)
        if message.participant == me:
            return
        mention = is_mention(message.text, me)
        self._new += 1
        self._since = self._since or message.time
        self.mentions += mention
        self._rings |= self._bell == "all" or (self._bell == "mention" and mention)

    def pressed(self) -> bool:
        """A key was pressed: all is seen. False: that changes nothing."""
        self._pressed = self._clock()
        changed = bool(self._new)
        self.mentions = self._new = 0
        self._since = None
        return changed

    def rings(self) -> bool:
        """Whether the bell is due; true once, however many messages it is for."""
        rings, self._rings = self._rings, False
        return rings

    @property
    def unread(self) -> int:
        """How many messages wait of those that the bell is for: mentions, unless it rings for all."""
        return self._new if self._bell == "all" else self.mentions

    @property
    def waiting(self) -> bool:
        """Whether there will be `news` once somebody counts as away."""
        return self._since is not None and self._clock() - self._pressed < AWAY

    def news(self) -> str:
        """How much is new and since when, for somebody who comes back; empty if there is nothing to tell."""
        if self._since is None or self.waiting:
            return ""
        return f"── {self._new:,} new since {self._local(self._since):%H:%M} ──"

    def typed(self, name: str) -> None:
        """``name`` is writing something."""
        self._typing[name] = self._clock() + TYPING_SECONDS

    def typing(self) -> str:
        """Who is writing, in words that are safe to show; empty if nobody is."""
        now = self._clock()
        self._typing = {name: until for name, until in self._typing.items() if until > now}
        names = [clean(name, newlines=False) for name in self._typing]
        match names:
            case []:
                return ""
            case [name]:
                return f"{name} is typing…"
            case [one, other]:
                return f"{one} and {other} are typing…"
            case _:
                return f"{len(names)} are typing…"
