"""Quotes of messages: enough of each to recognize it where an answer, a reaction or a change is about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec import Struct

from chatty.cli.terminal.cleaning import clean_name, one_line, uncolored
from chatty.cli.terminal.moments import recent
from chatty.cli.terminal.width import clusters
from chatty.events import (
    Event,
    Message,
    MessageDeleted,
    MessageEdited,
    Reaction,
)

__all__ = ["Quotes", "quote"]

MOST: Final = 1_000
"""Messages that are remembered."""
BEGINNING: Final = 48
"""Characters of a message that stand for it."""
_KEPT: Final = 4 * BEGINNING  # longer texts are cut before they are kept: one may have 16 KiB


class _Known(Struct):
    at: str
    participant: str
    text: str
    action: bool
    automatic: bool
    changed: int
    """The event that changed it last, as far as this was shown."""
    deleted: bool
    reacted: int
    """The same of reactions to it."""


class Quotes:
    """Remembers the beginnings of the newest ``most`` messages that it was given."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[int, _Known] = {}

    def note(self, event: Event) -> bool:
        """Take in ``event``. False: it isn't news, because the message was shown changed already."""
        match event:
            case Message(seq=seq, edited=edited, deleted=deleted):
                self._known.pop(seq, None)
                self._known[seq] = _Known(
                    event.at,
                    event.participant,
                    uncolored(event.text)[:_KEPT],
                    event.action,
                    event.automatic > 0,
                    max(edited, deleted),
                    deleted > 0,
                    event.reacted,
                )
                if len(self._known) > self._most:
                    del self._known[next(iter(self._known))]
            case MessageEdited(of=of, text=text):
                return bool(text) and self._change(of, event.seq, text, deleted=False)
            case MessageDeleted(of=of):
                return self._change(of, event.seq, "", deleted=True)
            case Reaction(of=of) if of in self._known:
                return event.seq > self._known[of].reacted
        return True

    def _change(self, of: int, seq: int, text: str, *, deleted: bool) -> bool:
        known = self._known.get(of)
        if known is None:
            return True
        if known.changed >= seq:
            return False
        known.text, known.changed, known.deleted = uncolored(text)[:_KEPT], seq, deleted
        return True

    def is_action(self, seq: int) -> bool:
        """Whether message ``seq`` is known, and is an action."""
        return seq in self._known and self._known[seq].action

    def is_automatic(self, seq: int) -> bool:
        """Whether message ``seq`` is known, and a program's."""
        return seq in self._known and self._known[seq].automatic

    def said(self, seq: int, local: Callable[[datetime], datetime], now: datetime) -> str:
        """When message ``seq`` was sent, in words (see `recent`); "" if it isn't known.

        ``local`` turns an aware time into the reader's own, as ``now`` is.
        """
        known = self._known.get(seq)
        return recent(local(datetime.fromisoformat(known.at)), now) if known else ""

    def about(self, seq: int) -> str:
        """Message ``seq`` in few words, as `quote` gives them, or ``#42`` if it isn't known."""
        known = self._known.get(seq)
        if known is None:
            return f"#{seq}"
        return quote(known.participant, known.text, deleted=known.deleted)


def quote(name: str, text: str, *, deleted: bool = False) -> str:
    """A message in few words, safe to show and on one line: ``alice: the beginning of what…``."""
    return f"{clean_name(name)}: {'(deleted)' if deleted else _beginning(text)}"


def _beginning(text: str) -> str:
    text = one_line(uncolored(text), _KEPT)
    if len(text) <= BEGINNING:
        return text
    end = 0
    for cluster in clusters(text):  # half an emoji is another one, or joins the ellipsis
        if end + len(cluster) > BEGINNING:
            break
        end += len(cluster)
    return text[:end].rstrip() + "…"
