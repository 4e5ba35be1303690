"""Chatty's own words about events, the same wherever they are shown. Safe to show, and on one line."""

from __future__ import annotations

from typing import Final, assert_never

from chatty.cli.terminal.cleaning import clean, clean_name
from chatty.events import (
    MessageDeleted,
    ParticipantRenamed,
    RoomClosed,
    TopicChanged,
)
from chatty.protocol import Gap

__all__ = ["RoomChange", "change", "departure", "gap"]

RoomChange = MessageDeleted | TopicChanged | ParticipantRenamed | RoomClosed
"""Events that concern the whole room."""

_DEPARTURES: Final = {"left": "left", "lost": "left (connection lost)", "kicked": "was removed"}
_GAPS: Final = {
    "epoch": "the server's data was replaced, perhaps from a backup: messages may be missing or come twice",
    "retention": "the server no longer keeps the messages from before this",
    "ahead": "the server has lost messages that were shown here: it has fewer of them now",
}


def change(event: RoomChange) -> str:
    """A change of the room, in words."""
    match event:
        case MessageDeleted(participant=name):
            return f"{clean_name(name)} deleted a message"
        case TopicChanged(participant=name, topic=""):
            return f"{clean_name(name)} took the topic away"
        case TopicChanged(participant=name, topic=topic):
            return f"{clean_name(name)} changed the topic: {clean(topic, newlines=False)}"
        case ParticipantRenamed(participant=name, name=new):
            return f"{clean_name(name)} is now called {clean_name(new)}"
        case RoomClosed():
            return "the room is closed"
        case _:
            assert_never(event)


def departure(reason: str) -> str:
    """How somebody left: words to stand behind a name. A newer server may know more reasons."""
    return _DEPARTURES.get(reason, _DEPARTURES["left"])


def gap(frame: Gap) -> str:
    """Why something can't be shown."""
    return _GAPS.get(frame.reason, clean(frame.reason, newlines=False))
