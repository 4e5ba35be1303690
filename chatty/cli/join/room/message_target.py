"""Which message a command is about: chosen when its line is begun, shown while it is typed, and kept.

Messages come in while somebody types. A command that took the latest message
when Enter is pressed would act on one that its author never meant. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from chatty.cli.join.room.people import People, Person
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.terminal.cleaning import clean_name
from chatty.cli.terminal.quotes import quote
from chatty.events import Message
from chatty.names import same

__all__ = ["Choice", "Line", "OwnMessage", "Pointer"]

_NUMBER: Final = re.compile(r"#([1-9]\d{0,17})(?!\S)\s*")
_END_OF_NAME: Final = re.compile(r"(?=[,:]*(?:\s|$))")
_BEHIND_NAME: Final = re.compile(r"[,:]*\s*")
LONGEST: Final = 300
"""Characters that a name may have, as it is shown."""


class OwnMessage(Protocol):
    """A message of one's own that was sent. ``seq`` is its number, 0 as long as that isn't known."""

    seq: int

    @property
    def text(self) -> str:
        """What it says."""

    @property
    def refused(self) -> bool:
        """Whether the server said no to it."""


class Choice(Struct, eq=False):
    """A message that a command is about.

    ``shown`` is the newest event that was on the screen when it was chosen, and
    ``numbering`` counts how often the room had been numbered anew by then.
    ``known``: it is remembered, which the message of a number that was typed
    may not be. ``guessed``: it is the newest one of others, or of somebody.
    """

    seq: int
    shown: int
    numbering: int
    known: bool = True
    guessed: bool = False


class Line(Struct, eq=False):
    """A line that is being typed, and the messages that were chosen for it so far, by the words that pointed at them.

    ``shown`` is the newest event that was on the screen when it was begun, and
    ``own`` the newest message of one's own. ``numbering`` is as in `Choice`.
    ``people`` are those that its names meant when
    they were typed, None for a name that nobody had: a rename must not change
    what the line is about. ``selected`` was selected when it was entered.
    """

    shown: int
    own: Message | OwnMessage | None
    numbering: int
    choices: dict[Person | str, Choice]
    people: dict[str, Person | None]
    selected: Choice | None = None


class Pointer:
    """Chooses messages for the line that is being typed. ``shown`` is the newest event on the screen."""

    def __init__(self, people: People) -> None:
        self.shown = 0
        self.line: Line | None = None
        """The line that is being typed, if it could be about a message."""
        self.selected: Choice | None = None
        """The message that was selected by keys. Commands that point nowhere else are about it."""
        self._people = people
        self._numbering = 0
        self._sent: OwnMessage | None = None

    def renumbered(self) -> None:
        """The room's events are numbered anew, and other messages have the old numbers now."""
        self.shown = 0
        self._numbering += 1
        self._people.forget_messages()

    def sent(self, message: OwnMessage) -> None:
        """A message of one's own was sent just now."""
        self._sent = message

    def heard(self, message: Message) -> None:
        """``message`` came, and isn't among the people's yet. It may be the one of one's own that is on its way.

        Its ack, which tells its number otherwise, may be lost with a connection.
        """
        sent = self._sent
        if sent is None or sent.seq or sent.text != message.text or self._people.get(message.seq):
            return
        if same(message.participant, self._people.me):
            sent.seq = message.seq

    def begin(self) -> Line:
        """The line that is being typed. It begins now, unless it has begun already."""
        if self.line is None:
            waits = self._sent is not None and self._sent.seq == 0 and not self._sent.refused
            self.line = Line(self.shown, self._sent if waits else self._people.mine(), self._numbering, {}, {})
        return self.line

    def entered(self) -> Line | None:
        """The line, now that it is entered, with all that it takes to be about the same message once more."""
        line = self.line if self.selected is None else self.begin()
        if line is not None:
            line.selected = self.selected
        return line

    def select(self, seq: int) -> None:
        """Select message ``seq``, which is on the screen."""
        self.selected = Choice(seq, self.shown, self._numbering)

    # --- which message a command is about; each raises Wrong where there is none ---

    def addressed(self, argument: str) -> tuple[Choice, str]:
        """The message that ``argument`` begins with, else the selected one, else the newest of somebody else.

        And the rest of ``argument``. It begins with a number (``#42``) or with somebody's whole name (``@Ada L.``).
        """
        if found := _NUMBER.match(argument):
            return self._numbered(int(found[1])), argument[found.end() :]
        if argument.startswith("@"):
            person, rest = self.named(argument[1:])
            return self._guess(person, lambda shown: self._people.by(person, shown), self._silent(person)), rest
        if self.selected is not None:
            return self.selected, argument
        return self._guess("", self._people.theirs, "nobody else has written anything here lately"), argument

    def own(self) -> Choice:
        """The selected message, if it is one's own; else the newest of one's own."""
        if self.selected is not None:
            if not self._people.is_mine(self.selected.seq):
                raise Wrong("that message is somebody else's: select one of yours, or let go of it with Esc")
            return self.selected
        own = self.begin().own
        if own is None:
            raise Wrong("you have written nothing here lately")
        if own.seq == 0 and not isinstance(own, Message):
            raise Wrong(
                "that message was not sent"
                if own.refused
                else "your last message is still on its way; try again when it is there"
            )
        return self.begin().choices.setdefault("own", self._chosen(own.seq))

    def own_or_numbered(self, argument: str) -> Choice:
        """The message with the number that ``argument`` is, else the selected one, else the newest of one's own."""
        found = _NUMBER.fullmatch(argument)
        if argument and not found:
            raise Wrong("/delete takes the number of a message, for example /delete #42")
        if found:
            return self._numbered(int(found[1]))
        return self.selected or self.own()  # moderators may delete what others wrote

    def _numbered(self, seq: int) -> Choice:
        line = self.begin()
        known = self._people.get(seq) is not None
        return line.choices.setdefault(f"#{seq}", self._chosen(seq, known=known))

    def _chosen(self, seq: int, *, known: bool = True, guessed: bool = False) -> Choice:
        return Choice(seq, self.shown, self.begin().numbering, known, guessed)

    def _guess(self, key: Person | str, find: Callable[[int], Message | None], why: str) -> Choice:
        """The message that was chosen for ``key`` before, else what ``find`` gives as of the beginning of the line."""
        line = self.begin()
        if key not in line.choices:
            message = find(line.shown)
            if message is None:
                raise Wrong(why)
            line.choices[key] = self._chosen(message.seq, guessed=True)
        return line.choices[key]

    def named(self, text: str) -> tuple[Person, str]:
        """The person whose whole name ``text`` begins with, the longest that there is; and the rest of ``text``."""
        ends = [found.start() for found in _END_OF_NAME.finditer(text, 0, LONGEST)]
        for end in reversed(ends):
            for name in (text[:end], text[:end].rstrip(",:")):
                if name.strip() and (person := self._person(name)):
                    behind = _BEHIND_NAME.match(text, len(name))
                    assert behind
                    return person, text[behind.end() :]
        written = clean_name(text.split()[0].rstrip(",:")) if text.split() else ""
        raise Wrong(f"nobody called {written} is here, or was lately" if written else "whose name comes after the @?")

    def _person(self, name: str) -> Person | None:
        """The person that ``name`` meant when it was first typed in this line."""
        people = self.begin().people
        if name not in people:
            people[name] = self._people.find(name)
        return people[name]

    def _silent(self, person: Person) -> str:
        name = clean_name(person.name)
        earlier = self._people.under(person.name)
        if earlier is None:
            return f"{name} has written nothing here lately"
        return f"{name} has written nothing since joining; somebody called so wrote #{earlier.seq} before"

    # --- a message that was chosen ---

    def settle(self, choice: Choice) -> int:
        """The number of the message, now that the line is entered. Raises Wrong if it isn't what it was any more."""
        message = self._people.get(choice.seq)
        if choice.numbering != self._numbering:
            raise Wrong("the server's data was replaced meanwhile, so that message is gone")
        if message is None:
            if choice.known:
                raise Wrong("too much was written meanwhile; say which message you mean: #SEQ")
            return choice.seq
        if message.deleted:
            raise Wrong("that message was deleted meanwhile; nothing was sent")
        if message.edited > choice.shown:
            choice.shown = message.edited
            raise Wrong("that message was changed meanwhile; if you still mean it, press Enter again")
        return choice.seq

    def describe(self, choice: Choice) -> str:
        """The message in few words, safe to show and on one line."""
        message = self._people.get(choice.seq)
        if message is None:
            return f"#{choice.seq}"
        changed = " (changed meanwhile)" if message.edited > choice.shown else ""
        return f"{quote(message.participant, message.text, deleted=message.deleted > 0)}{changed}"
