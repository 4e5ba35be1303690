"""Which of the things that happen in a room answers a question that was asked there. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from chatty.events import Message, MessageEdited, Reaction
from chatty.names import same
from chatty.protocol import Frame, Unknown

__all__ = ["Question", "question_text"]

_SIGNS: Final = {
    "yes": ("👍", "+1", "thumbsup", "✅", "✔", "white_check_mark"),
    "no": ("👎", "-1", "thumbsdown", "❌", "✖", "x"),
}
"""Reactions that mean a choice, where that is one of the choices."""

_SELECTORS: Final = dict.fromkeys(map(ord, "\ufe0e\ufe0f"))
_SKIN: Final = dict.fromkeys(range(0x1F3FB, 0x1F400))


def question_text(question: str, choices: Sequence[str]) -> str:
    """The question as it is asked: with its choices, so that everybody sees what counts as an answer."""
    return f"{question} [{'/'.join(choices)}]" if choices else question


class Question(NamedTuple):
    """The message ``seq``, what may answer it (nothing: anything), and who may (nobody: everybody)."""

    seq: int
    choices: Sequence[str] = ()
    answerers: Sequence[str] = ()

    def answer(self, frame: Frame | Unknown) -> str | None:
        """The answer that ``frame`` gives, as the choice is spelled; None if it is none.

        History has an edited reply with its newest text, which counts from
        the edit on: the event of that has it, too.
        """
        match frame:
            case Message(participant=who, text=text, reply_to=self.seq, edited=0, deleted=0):
                said = self._chosen(text)
            case MessageEdited(participant=who, text=text):  # of a reply: see `is_reply`
                said = self._chosen(text)
            case Reaction(participant=who, of=self.seq, reaction=reaction, removed=False):
                said = self._reacted(reaction)
            case _:
                return None
        return said if self._may_answer(who) else None

    def is_reply(self, frame: Frame | Unknown) -> bool:
        """Whether ``frame`` is a reply to it, be it an answer or not; one that is none may become one by an edit."""
        return isinstance(frame, Message) and frame.reply_to == self.seq

    def _may_answer(self, who: str) -> bool:
        return not self.answerers or any(same(who, answerer) for answerer in self.answerers)

    def _chosen(self, text: str) -> str | None:
        text = text.strip()
        if not self.choices:
            return text or None
        return next((choice for choice in self.choices if same(choice, text)), None)

    def _reacted(self, reaction: str) -> str | None:
        plain = reaction.strip(":").translate(_SELECTORS).translate(_SKIN)
        if not self.choices:
            return reaction
        meant = [reaction, plain, *(word for word, signs in _SIGNS.items() if plain in signs)]
        return next((choice for word in meant if (choice := self._chosen(word))), None)
