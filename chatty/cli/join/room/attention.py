"""Messages that came while nobody pressed a key, mentions among them, and people that are typing. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

from chatty.cli.join.rendering.mentions import is_mention
from chatty.cli.terminal.cleaning import clean_name
from chatty.events import Message, MessageEdited
from chatty.names import same
from chatty.protocol import TYPING_SECONDS

__all__ = ["Attention", "Bell"]

Bell = Literal["mention", "all", "off"]
"""The messages that the bell rings for."""

AWAY: Final = 60.0
"""Seconds without a key after which somebody counts as away, and is told what is new."""


class Attention:
    """Counts what is new since the last key. ``clock`` gives seconds, ``local`` the reader's own time."""

    def __init__(self, clock: Callable[[], float], local: Callable[[datetime], datetime], bell: Bell) -> None:
        self.mentions = 0
        """Messages that mentioned the reader, since the last key."""
        self._clock = clock
        self._local = local
        self._bell = bell
        self._pressed = clock()
        self._new = 0
        self._since: datetime | None = None
        self._rings = False
        self._typing: dict[str, float] = {}

    def message(self, message: Message, me: str) -> None:
        """A message came in, just now."""
        self._typing.pop(message.participant, None)
        if not same(message.participant, me):
            self._notice(message.time, mention=is_mention(message.text, me))

    def edit(self, edit: MessageEdited, before: str, me: str) -> None:
        """A message was changed, just now. It is news if it mentions the reader, and didn't ``before``."""
        if not same(edit.participant, me) and is_mention(edit.text, me) and not is_mention(before, me):
            self._notice(edit.time, mention=True)

    def _notice(self, time: datetime, *, mention: bool) -> None:
        self._new += 1
        self._since = self._since or time
        if mention:
            self.mentions += 1
        if self._bell == "all" or (self._bell == "mention" and mention):
            self._rings = True

    def pressed(self) -> bool:
        """A key was pressed: all of it has been seen. False: there was nothing new."""
        self._pressed = self._clock()
        changed = self._new > 0
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
        """How much is new and since when, for somebody who comes back; empty if there is nothing new."""
        if self._since is None or self.waiting:
            return ""
        return f"── {self._new:,} new since {self._local(self._since):%H:%M} ──"

    def types(self, name: str) -> None:
        """``name`` is writing something."""
        self._typing[name] = self._clock() + TYPING_SECONDS

    def typing(self) -> str:
        """The people that are typing, in words that are safe to show; empty if nobody is."""
        now = self._clock()
        self._typing = {name: until for name, until in self._typing.items() if until > now}
        match list(self._typing):
            case []:
                return ""
            case [name]:
                return f"{clean_name(name)} is typing…"
            case [one, other]:
                return f"{clean_name(one)} and {clean_name(other)} are typing…"
            case names:
                return f"{len(names)} are typing…"
