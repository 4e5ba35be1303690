"""The people of the room and their latest messages, for ``/reply``, ``/edit`` and completion. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chatty.cli.terminal.cleaning import clean_name
from chatty.events import (
    Event,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
)
from chatty.names import compare_key, same

__all__ = ["People", "Person"]

KEPT: Final = 500
"""Messages that are remembered."""
FORMER: Final = 1_000
"""Names that are remembered of people that left, or are called something else by now."""


class Person(Struct, eq=False):
    """Somebody who is in the room, or was: the same one under every name. ``name`` is the latest.

    ``spoke`` is the number of their latest message, 0 if there is none.
    """

    name: str
    present: bool = False
    spoke: int = 0


class Known(Struct):
    """A message as it is now, and its author."""

    message: Message
    author: Person


class People:
    """The people of the room, and the newest messages as they are now, with their authors. ``me`` is one's own name.

    A name belongs to the person that has it, and after that to nobody: those
    who take it later are somebody else. One's own name is the exception: it
    is kept across leaving and coming back, since the server decides there.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.me = ""
        self._kept = kept
        self._messages: dict[int, Known] = {}
        self._holders: dict[str, Person] = {}
        self._former: dict[str, Person] = {}

    def present(self, names: Iterable[str]) -> None:
        """These people are here, too."""
        for name in names:
            self._holder(name).present = True

    def hear(self, event: Event) -> None:
        """Take in ``event``."""
        match event:
            case Message():
                self._remember(event)
            case MessageEdited(of=of, text=text) if known := self._messages.get(of):
                known.message = replace(known.message, text=text, edited=event.seq)
            case MessageDeleted(of=of) if known := self._messages.get(of):
                known.message = replace(known.message, text="", deleted=event.seq)
            case ParticipantJoined(participant=name):
                if not self._is_me(name):
                    self._holders.pop(compare_key(name), None)
                self._holder(name).present = True
            case ParticipantLeft(participant=name) if not self._is_me(name):
                self._give_up(name).present = False
            case ParticipantRenamed(participant=name, name=new):
                if self._is_me(name):
                    self.me = new
                person = self._give_up(name)
                person.name = new
                self._holders[compare_key(new)] = person

    def forget_messages(self) -> None:
        """The numbers of messages begin anew."""
        self._messages.clear()

    def get(self, seq: int) -> Message | None:
        """Message ``seq`` as it is now, if it is remembered."""
        known = self._messages.get(seq)
        return known.message if known else None

    def find(self, name: str) -> Person | None:
        """The person that is called ``name``, or was the last one called so. It may be written as it is shown."""
        key = compare_key(name)
        for named in (self._holders, self._former):
            if key in named:
                return named[key]
            if "<" in key:
                for person in named.values():
                    if compare_key(clean_name(person.name)) == key:
                        return person
        return None

    def messages(self) -> list[Message]:
        """The messages that are remembered and were not deleted, as they are now."""
        return [known.message for known in self._messages.values() if not known.message.deleted]

    def is_mine(self, seq: int) -> bool:
        """Whether message ``seq`` is remembered, and is one's own."""
        known = self._messages.get(seq)
        return known is not None and known.author is self._holders.get(compare_key(self.me))

    def mine(self) -> Message | None:
        """One's own newest message."""
        mine = self._holders.get(compare_key(self.me))
        return self._newest(lambda known: known.author is mine)

    def theirs(self, upto: int) -> Message | None:
        """The newest message of somebody else, up to number ``upto``."""
        mine = self._holders.get(compare_key(self.me))
        return self._newest(lambda known: known.author is not mine and known.message.seq <= upto)

    def by(self, person: Person, upto: int) -> Message | None:
        """The newest message of ``person``, up to number ``upto``; if some are verified, the newest of these.

        Over HTTP, several may have written under one name, one after the other.
        """

        def is_theirs(known: Known) -> bool:
            return known.author is person and known.message.seq <= upto

        return self._newest(lambda known: is_theirs(known) and known.message.verified) or self._newest(is_theirs)

    def under(self, name: str) -> Message | None:
        """The newest message that was written under ``name``, no matter by which person."""
        return self._newest(lambda known: same(known.message.participant, name))

    def here(self) -> list[str]:
        """Everybody who is known to be here."""
        return [person.name for person in self._holders.values() if person.present]

    def names(self) -> list[str]:
        """Everybody else who is here or has spoken, the latest to speak first."""
        mine = compare_key(self.me)
        others = [person for key, person in self._holders.items() if key != mine]
        return [person.name for person in sorted(others, key=lambda person: -person.spoke)]

    def _is_me(self, name: str) -> bool:
        return compare_key(name) == compare_key(self.me)

    def _holder(self, name: str) -> Person:
        return self._holders.setdefault(compare_key(name), Person(name))

    def _give_up(self, name: str) -> Person:
        """The person that had ``name`` until now."""
        person = self._holders.pop(key := compare_key(name), None) or Person(name)
        self._former.pop(key, None)
        self._former[key] = person
        for oldest in list(islice(self._former, max(0, len(self._former) - FORMER))):
            del self._former[oldest]
        return person

    def _remember(self, message: Message) -> None:
        author = self._holder(message.participant)
        author.spoke = max(author.spoke, message.seq)
        self._messages[message.seq] = Known(message, author)
        if len(self._messages) > self._kept:
            oldest = self._messages.pop(next(iter(self._messages)))
            if oldest.author.spoke == oldest.message.seq and not oldest.author.present:
                self._give_up(oldest.author.name)

    def _newest(self, wanted: Callable[[Known], bool]) -> Message | None:
        for known in reversed(self._messages.values()):
            if not known.message.deleted and wanted(known):
                return known.message
        return None
