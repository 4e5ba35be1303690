"""Messages that came while nobody looked, mentions among them, and people that are typing. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from chatty.cli.join.rendering.mentions import is_mention
from chatty.cli.terminal.cleaning import clean_name
from chatty.events import Message, MessageEdited
from chatty.names import same
from chatty.protocol import TYPING_SECONDS

__all__ = ["Attention", "Bell", "News", "Ring"]

Bell = Literal["mention", "all", "off"]
"""The messages that the bell rings for."""

News = Literal["", "new", "mention"]
"""How an event is news to the reader: not at all, as a message, or as one that mentions them."""

AWAY: Final = 60.0
"""Seconds without a key after which somebody counts as away."""


class Ring(NamedTuple):
    """The bell is due: for this ``text``, by the one called ``name``."""

    name: str
    text: str


class Attention:
    """Counts what is new since the last key, or since one looked. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.new = 0
        """Messages that are new."""
        self.mentions = 0
        """Those of them that mentioned the reader."""
        self.highlight: tuple[str, ...] = ()
        """Words that count as a mention wherever they stand."""
        self.bell: Bell = "mention"
        """The messages that ring, and attract."""
        self._clock = clock
        self._pressed = clock()
        self._marked = False
        self._ring: Ring | None = None
        self._typing: dict[str, float] = {}

    def message(self, message: Message, me: str) -> News:
        """A message came in, just now."""
        self._typing.pop(message.participant, None)
        if same(message.participant, me):
            return ""
        return self._notice(message, "mention" if self._is_mention(message.text, me) else "new")

    def replayed(self, message: Message, me: str) -> News:
        """A message came in while nobody was connected. It is as new as others, and doesn't ring."""
        ring = self._ring
        news = self.message(message, me)
        self._ring = ring
        return news

    def edit(self, edit: MessageEdited, before: str, me: str) -> News:
        """A message was changed, just now. It is news if it mentions the reader, and didn't ``before``."""
        if same(edit.participant, me) or not self._is_mention(edit.text, me) or self._is_mention(before, me):
            return ""
        return self._notice(edit, "mention")

    def _is_mention(self, text: str, me: str) -> bool:
        return is_mention(text, me, self.highlight)

    def _notice(self, event: Message | MessageEdited, news: News) -> News:
        self.new += 1
        if news == "mention":
            self.mentions += 1
        if self.bell == "all" or (self.bell == "mention" and news == "mention"):
            self._ring = Ring(event.participant, event.text)
        return news

    def look(self) -> bool:
        """All of it has been seen. False: there was nothing new."""
        changed = self.new > 0
        self.mentions = self.new = 0
        return changed

    def pressed(self) -> bool:
        """A key was pressed: somebody is there, and looks. False: there was nothing new."""
        self._pressed = self._clock()
        self._marked = False
        return self.look()

    @property
    def away(self) -> bool:
        """Whether nobody has been there for a while."""
        return self._clock() - self._pressed >= AWAY

    def marks(self) -> bool:
        """Whether this is where one stopped reading: true for the first news of an absence, and once."""
        first = self.away and not self._marked
        self._marked = self._marked or first
        return first

    def rings(self) -> Ring | None:
        """The latest message that the bell is due for; given once, however many there are."""
        ring, self._ring = self._ring, None
        return ring

    @property
    def attracting(self) -> int:
        """How many messages wait of those that the bell is for: mentions, unless it rings for all."""
        return self.new if self.bell == "all" else self.mentions

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
