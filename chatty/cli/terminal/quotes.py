"""Quotes of what was said: enough of it to tell what an answer, a reaction or a change is about."""

from __future__ import annotations

from typing import Final, assert_never

from msgspec import Struct

from chatty.cli.terminal.cleaning import clean
from chatty.events import (
    Event,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantRenamed,
    Reaction,
    RoomClosed,
    TopicChanged,
)
from chatty.protocol import Gap

__all__ = ["OfTheRoom", "Quotes", "gap", "leave", "passage"]

OfTheRoom = MessageDeleted | TopicChanged | ParticipantRenamed | RoomClosed
"""Events that `passage` has words for."""

MOST: Final = 1_000
"""Messages that are remembered."""
BEGINNING: Final = 48
"""Characters of a message that stand for it."""
_KEPT: Final = 4 * BEGINNING  # what is longer is cut before it is kept: a text may have 16 KiB


class _Known(Struct):
    participant: str
    text: str
    action: bool
    changed: int
    """The event that changed it last, as far as this was shown."""
    deleted: bool
    reacted: int
    """The same of reactions to it."""


class Quotes:
    """Remembers the newest ``most`` messages that it was told of, by the beginning of their texts."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[int, _Known] = {}

    def note(self, event: Event) -> bool:
        """Take ``event`` in. False: nothing new; what it changed was already shown changed."""
        match event:
            case Message(seq=seq, edited=edited, deleted=deleted):
                self._known.pop(seq, None)
                self._known[seq] = _Known(
                    event.participant,
                    event.text[:_KEPT],
                    event.action,
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
        known.text, known.changed, known.deleted = text[:_KEPT], seq, deleted
        return True

    def is_action(self, seq: int) -> bool:
        """Whether message ``seq`` is known, and tells what somebody did."""
        return seq in self._known and self._known[seq].action

    def about(self, seq: int) -> str:
        """Message ``seq`` in few words, safe to show and on one line: ``alice: the beginning of what…``, or ``#42``."""
        known = self._known.get(seq)
        if known is None:
            return f"#{seq}"
        return f"{clean(known.participant, newlines=False)}: {_beginning(known)}"


def _beginning(known: _Known) -> str:
    if known.deleted:
        return "(deleted)"
    text = clean(" ".join(known.text.split()), newlines=False)
    if len(text) <= BEGINNING:
        return text
    return text[:BEGINNING].rstrip(" \u200d") + "…"  # a joiner at the end would join the ellipsis


def passage(event: OfTheRoom) -> str:
    """What chatty itself says of ``event``, which concerns the whole room: safe to show, one line."""
    match event:
        case MessageDeleted(participant=name):
            said = f"{name} deleted a message"
        case TopicChanged(participant=name, topic=""):
            said = f"{name} took the topic away"
        case TopicChanged(participant=name, topic=topic):
            said = f"{name} changed the topic: {topic}"
        case ParticipantRenamed(participant=name, name=new):
            said = f"{name} is now called {new}"
        case RoomClosed():
            said = "the room is closed"
        case _:
            assert_never(event)
    return clean(said, newlines=False)


_LEAVES: Final = {"left": "left", "lost": "left (connection lost)", "kicked": "was removed"}
_GAPS: Final = {
    "epoch": "the server's data was replaced; messages may be missing, or come twice",
    "retention": "older messages are no longer kept by the server",
    "ahead": "the server has lost messages that were read from it before",
}


def leave(reason: str) -> str:
    """How somebody left a room, as a verb."""
    return _LEAVES.get(reason, "left")


def gap(frame: Gap) -> str:
    """Why some events can't be shown."""
    return _GAPS.get(frame.reason, clean(frame.reason, newlines=False))
