"""The people of the room and what they said lately: what ``/reply``, ``/edit`` and completion refer to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec.structs import replace

from chatty.events import (
    Event,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
)

__all__ = ["People"]

KEPT: Final = 500
"""Messages remembered."""


class People:
    """Who is here, and the newest messages as they are now, by who wrote them. ``me`` is one's own name."""

    def __init__(self, kept: int = KEPT) -> None:
        self.me = ""
        self._kept = kept
        self._messages: dict[int, Message] = {}
        self._mine: set[int] = set()
        self._speakers: dict[str, None] = {}  # who spoke last is last
        self._present: dict[str, None] = {}

    def present(self, names: Iterable[str]) -> None:
        """These are here, too."""
        self._present.update(dict.fromkeys(names))

    def hear(self, event: Event) -> None:
        """Remember what ``event`` changes."""
        match event:
            case Message():
                self._said(event)
            case MessageEdited(of=of, text=text) if of in self._messages:
                self._messages[of] = replace(self._messages[of], text=text)
            case MessageDeleted(of=of):
                self._forget(of)
            case ParticipantJoined(participant=name):
                self._present[name] = None
            case ParticipantLeft(participant=name):
                self._present.pop(name, None)
                self._speakers.pop(name, None)
            case ParticipantRenamed(participant=name, name=new):
                self._present = {new if one == name else one: None for one in self._present}
                self._speakers = {new if one == name else one: None for one in self._speakers}
                self.me = new if name == self.me else self.me

    def _said(self, message: Message) -> None:
        self._speakers.pop(message.participant, None)
        self._speakers[message.participant] = None
        if message.deleted:
            return
        self._messages[message.seq] = message
        if message.participant == self.me:
            self._mine.add(message.seq)
        if len(self._messages) > self._kept:
            self._forget(next(iter(self._messages)))

    def _forget(self, seq: int) -> None:
        self._messages.pop(seq, None)
        self._mine.discard(seq)

    def __contains__(self, seq: object) -> bool:
        return seq in self._messages

    def mine(self) -> Message | None:
        """One's own last message."""
        return self._last(lambda message: message.seq in self._mine)

    def theirs(self) -> Message | None:
        """The last message of somebody else."""
        return self._last(lambda message: message.seq not in self._mine)

    def by(self, name: str) -> Message | None:
        """The last message of ``name``."""
        return self._last(lambda message: message.participant == name)

    def _last(self, wanted: Callable[[Message], bool]) -> Message | None:
        return next(filter(wanted, reversed(self._messages.values())), None)

    def names(self) -> list[str]:
        """Everybody else who is here or has spoken, who spoke last first."""
        others = (name for name in self._present if name not in self._speakers)
        return [name for name in [*reversed(self._speakers), *others] if name != self.me]
