"""Questions in a room: how they read, which events answer them, and how the outcome reads. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from chatty.errors import Refused
from chatty.events import Event, Message, MessageEdited, Reaction
from chatty.names import same
from chatty.protocol import Frame, Unknown

__all__ = ["CANCELLED", "TIMED_OUT", "Answer", "Question", "is_by", "outcome_text", "question_text"]

_SIGNS: Final = {
    "yes": ("👍", "+1", "thumbsup", "✅", "✔", "white_check_mark"),
    "no": ("👎", "-1", "thumbsdown", "❌", "✖", "x"),
}
"""Reactions that mean a choice, where that is one of the choices. The first of each is the one that is proposed."""

_SELECTORS: Final = dict.fromkeys(map(ord, "\ufe0e\ufe0f"))
_SKIN: Final = dict.fromkeys(range(0x1F3FB, 0x1F400))
_SHOWN: Final = 100
"""Characters of an answer that the room is told again."""

TIMED_OUT: Final = "timed out"
CANCELLED: Final = "cancelled"

Kind = Literal["reply", "reaction", "message", "default"]


class Answer(Struct, frozen=True):
    """What ``participant`` answered: ``text``, by the event number ``seq``.

    Where choices were given, ``text`` is the choice as it was spelled there.
    A ``message`` is a bare choice that isn't a reply. A ``default`` is
    nobody's, and has ``seq`` 0.
    """

    text: str
    participant: str
    seq: int
    kind: Kind


def question_text(question: str, choices: Sequence[str]) -> str:
    """The question as it is asked: with how to answer it. Refused with ``message_empty`` if there is none."""
    if not question.strip():
        raise Refused("message_empty")
    how = "reply to answer"
    if choices:
        *others, last = choices
        how = f"reply with {', '.join(others)} or {last}" if others else f"reply with {last}"
        signs = [sign for choice in choices for word, (sign, *_) in _SIGNS.items() if same(choice, word)]
        if signs:
            how += f", or react {' '.join(signs)}"
    return f"{question}{chr(10) if chr(10) in question else ' '}({how})"


def outcome_text(answer: Answer) -> str:
    """The line that tells the room about an answer."""
    text = " ".join(answer.text.split())
    text = text if len(text) <= _SHOWN else text[:_SHOWN].rstrip() + "…"
    return f"{TIMED_OUT}; default {text}" if answer.kind == "default" else f"answered by {answer.participant}: {text}"


def is_by(event: Message | MessageEdited | Reaction, names: Sequence[str], *, verified: bool) -> bool:
    """Whether somebody of these names did it; with ``verified``, only if the server says so."""
    return (event.verified or not verified) and any(same(event.participant, name) for name in names)


class Question:
    """Message number ``seq`` by ``asker``, its choices (none: anything goes), and its answerers (none: anybody).

    With ``verified``, an answerer's name counts only where it is verified.

    Feed it everything that happens after the question, in order. A reply or a
    reaction to it is an answer; so is a bare choice, if it is the next message
    of those who may answer. Messages of programs are not, unless a program is
    named among those who may answer.
    """

    def __init__(
        self,
        seq: int,
        choices: Sequence[str] = (),
        answerers: Sequence[str] = (),
        *,
        asker: str = "",
        verified: bool = False,
    ) -> None:
        self.seq = seq
        self._choices = choices
        self._answerers = answerers
        self._asker = asker
        self._verified = verified
        self._replies: set[int] = set()  # those that may become an answer by an edit
        self._next = bool(choices)  # whether the next message may answer without being a reply

    def hear(self, frame: Event | Frame | Unknown) -> Answer | None:
        """The answer that ``frame`` gives, or None.

        History has an edited message with its newest text, which counts from
        the edit on: the event of that has it, too.
        """
        match frame:
            case Message():
                return self._hear_message(frame)
            case MessageEdited(of=of, text=text) if of in self._replies and self._may_answer(frame):
                return self._answer(self._chosen(text), frame, "reply")
            case Reaction(of=self.seq, removed=False) if self._may_answer(frame):
                return self._answer(self._reacted(frame.reaction), frame, "reaction")
            case _:
                return None

    def _hear_message(self, message: Message) -> Answer | None:
        is_reply = message.reply_to == self.seq
        may_answer = self._may_answer(message, message.automatic)
        is_next = self._next and may_answer and not message.reply_to and not message.action
        # Another program's message may be a question, too: then nobody knows which of them a bare word would answer.
        self._next = self._next and not may_answer and (is_reply or not message.automatic)
        if not may_answer or message.deleted or not (is_reply or is_next):
            return None
        if is_reply:
            self._replies.add(message.seq)
        return (
            None
            if message.edited
            else self._answer(self._chosen(message.text), message, "reply" if is_reply else "message")
        )

    def _answer(self, text: str | None, event: Message | MessageEdited | Reaction, kind: Kind) -> Answer | None:
        return None if text is None else Answer(text, event.participant, event.seq, kind)

    def _may_answer(self, event: Message | MessageEdited | Reaction, automatic: int = 0) -> bool:
        who = event.participant
        if automatic and (not self._answerers or same(who, self._asker)):
            return False
        return not self._answerers or is_by(event, self._answerers, verified=self._verified)

    def _chosen(self, text: str) -> str | None:
        text = text.strip()
        if not self._choices:
            return text or None
        return next((choice for choice in self._choices if same(choice, text)), None)

    def _reacted(self, reaction: str) -> str | None:
        plain = reaction.strip(":").translate(_SELECTORS).translate(_SKIN)
        if not self._choices:
            return reaction
        meant = [reaction, plain, *(word for word, signs in _SIGNS.items() if plain in signs)]
        return next((choice for word in meant if (choice := self._chosen(word))), None)
