"""Chatty's own words about events, the same wherever they are shown. Safe to show, and on one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from chatty.cli.terminal.cleaning import VERIFIED, clean, clean_name, clean_names
from chatty.cli.terminal.moments import until
from chatty.events import (
    Happening,
    MessageDeleted,
    Moderated,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    RoomClosed,
    TopicChanged,
)
from chatty.names import compare_key
from chatty.protocol import Gap, Present

__all__ = ["RoomChange", "change", "comings", "departure", "gap", "listed", "unverified"]

RoomChange = MessageDeleted | Moderated | TopicChanged | ParticipantRenamed | RoomClosed
"""Events that concern the whole room."""

NAMED: Final = 4
"""People that come or go together and are all named. Of more, so many are."""
FEW: Final = 2

_DEPARTURES: Final = {"left": "left", "lost": "left (connection lost)", "kicked": "was removed"}
_GAPS: Final = {
    "epoch": "the server's data was replaced, perhaps from a backup: messages may be missing or come twice",
    "retention": "the server no longer keeps the messages from before this",
    "ahead": "the server has lost messages that were shown here: it has fewer of them now",
}


def change(event: RoomChange, said: str = "") -> str:
    """A change of the room, in words. ``said`` is when the message was said that it is about, if that is known."""
    match event:
        case MessageDeleted(participant=name, of=of, author=""):
            return f"{clean_name(name)} deleted #{of}{f' ({said})' if said else ''}"
        case MessageDeleted(participant=name, of=of, author=author):
            return f"{moderator_name(name)} deleted a message of {clean_name(author)} (#{of})"
        case Moderated():
            return _moderated(event)
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


def moderator_name(name: str) -> str:
    """What a moderator is called, who may have no name in the room."""
    return clean_name(name) if name else "a moderator"


_OF_SOMEBODY: Final = {
    "kick": ("sent", " away"), "ban": ("banned", ""), "mute": ("muted", ""), "unban": ("let", " in again"),
    "unmute": ("let", " speak again"), "delete": ("deleted messages of", ""),
}  # fmt: skip
"""Words before and behind somebody's name."""
_OF_ALL: Final = {
    "lock": "locked the room: only moderators speak", "unlock": "unlocked the room", "everyone": "changed the rules",
}  # fmt: skip
_ROLES: Final = {
    "nobody": "closed the room to all who were not let in", "reader": "lets everyone read, and no more",
    "poster": "lets everyone post, and not read", "member": "lets everyone be a member",
}  # fmt: skip


def _moderated(event: Moderated) -> str:
    """A ruling. A newer server may know more kinds of them."""
    if event.act in _OF_SOMEBODY:
        nameless = "several people" if event.act == "delete" else "somebody"
        whom = clean_name(event.participant) if event.participant else nameless
        did = f"{_OF_SOMEBODY[event.act][0]} {whom}{_OF_SOMEBODY[event.act][1]}"
    elif event.act == "slow":
        did = f"slowed the room down: {event.slow:,g} s between messages" if event.slow else "ended the slow mode"
    else:
        did = _ROLES.get(event.role) or _OF_ALL.get(event.act) or "changed the rules"
    end = f" {clean(until(event.until), newlines=False)}" if event.until else ""
    reason = f": {clean(event.reason, newlines=False)}" if event.reason else ""
    return f"{moderator_name(event.by)} {did}{end}{reason}"


def departure(reason: str) -> str:
    """How somebody left: words to stand behind a name. A newer server may know more reasons."""
    return _DEPARTURES.get(reason, _DEPARTURES["left"])


def comings(events: Iterable[Happening]) -> str:
    """Joins and leaves in words: ``→ bob, carol joined · dave left``. Empty if all of them are as before.

    Those who came and went again, or the other way round, are left out.
    """
    first: dict[str, bool] = {}
    last: dict[str, tuple[str, str]] = {}
    for event in events:
        match event:
            case ParticipantJoined(participant=name):
                first.setdefault(compare_key(name), True)
                last[compare_key(name)] = name, "joined"
            case ParticipantLeft(participant=name, reason=reason):
                first.setdefault(compare_key(name), False)
                last[compare_key(name)] = name, departure(reason)
    ways: dict[str, list[str]] = {}
    for key, (name, way) in last.items():
        if first[key] is (way == "joined"):
            ways.setdefault(way, []).append(name)
    ordered = sorted(ways.items(), key=lambda item: item[0] != "joined")
    words = " · ".join(f"{_several(names)} {way}" for way, names in ordered)
    return f"{'→' if 'joined' in ways else '←'} {words}" if words else ""


def _several(names: Sequence[str]) -> str:
    if len(names) <= NAMED:
        return clean_names(names)
    return f"{clean_names(names[:FEW])}, {len(names) - FEW:,} others"


def gap(frame: Gap) -> str:
    """Why something can't be shown."""
    return _GAPS.get(frame.reason, clean(frame.reason, newlines=False))


def unverified(deed: str, names: Sequence[str]) -> str:
    """That on this server anybody can do something as one of ``names``."""
    return f"this server verifies no names: anybody can {deed} as {' or '.join(map(clean_name, names))}"


def listed(people: Sequence[Present]) -> str:
    """Their names, in order, with the mark of those that are verified."""
    ordered = sorted(people, key=lambda one: compare_key(one.name))
    return ", ".join((f"{VERIFIED} " if one.verified else "") + clean_names([one.name]) for one in ordered)
