"""The message that a person points at with keys. It stays the same, whatever comes in. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.room.message_target import Choice
from chatty.cli.terminal.cleaning import clean_name, one_line
from chatty.protocol import Rename, Say, Send, SetTopic

__all__ = ["Selection"]

SHOWN: Final = 500
"""Characters of a message that are looked at for its row."""


class Selection:
    """Selects one of the last messages of a room. ``local`` turns an aware time into the reader's own."""

    def __init__(self, incoming: Incoming, local: Callable[[datetime], datetime]) -> None:
        self._hidden = incoming.hidden
        self._people = incoming.people
        self._pointer = incoming.pointer
        self._local = local

    @property
    def choice(self) -> Choice | None:
        """The message that is selected; another one is another `Choice`."""
        return self._pointer.selected

    @property
    def is_mine(self) -> bool:
        """Whether a message of one's own is selected."""
        return self.choice is not None and self._people.is_mine(self.choice.seq)

    @property
    def text(self) -> str:
        """The text of the selected message, as it was written; empty if that isn't known, or is gone."""
        message = self._people.get(self.choice.seq) if self.choice else None
        return message.text if message else ""

    def up(self) -> bool:
        """Select the message before, or the newest one on the screen. False: there is none to select."""
        seqs = self._seqs()
        earlier = [seq for seq in seqs if self.choice is None or seq < self.choice.seq]
        if earlier:
            self._pointer.select(max(earlier))
        return bool(seqs)

    def down(self) -> bool:
        """Select the message after; let go behind the newest. False: there is none to select."""
        seqs = self._seqs()
        if self.choice is not None:
            later = [seq for seq in seqs if seq > self.choice.seq]
            self.let_go()
            if later:
                self._pointer.select(min(later))
        return bool(seqs)

    def _seqs(self) -> list[int]:
        """The numbers of messages on the screen that can be selected."""
        shown = self._pointer.shown
        return [one.seq for one in self._people.messages() if one.seq <= shown and not self._hidden.hides(one)]

    def let_go(self) -> None:
        """Select nothing."""
        self._pointer.selected = None

    def row(self) -> str:
        """The selected message on one line, safe to show: ``↩ 12:07 Ada │ ready to deploy?``; "" if there is none."""
        if self.choice is None:
            return ""
        message = self._people.get(self.choice.seq)
        if message is None:
            return f"↩ #{self.choice.seq}"
        time = f"{self._local(message.time):%H:%M} " if message.at else ""  # of one's own, the ack doesn't tell it
        text = one_line(message.text, SHOWN)
        if message.deleted:
            text = "(deleted)"
        elif message.edited > self.choice.shown:
            text = f"(changed meanwhile) {text}"
        return f"↩ {time}{clean_name(message.participant)} │ {text}"

    # --- what is said about it ---

    def answered(self, said: Say) -> Say:
        """``said``, which answers the selected message if it is a text that answers no other. May raise Wrong."""
        if self.choice is not None and isinstance(said, Send) and not said.reply_to:
            return replace(said, reply_to=self._pointer.settle(self.choice))
        return said

    def done(self, said: Say) -> None:
        """``said`` is on its way: let go if it was about the selected message."""
        if isinstance(said, SetTopic | Rename):
            return
        about = said.reply_to if isinstance(said, Send) else said.of
        if self.choice is not None and self.choice.seq == about:
            self.let_go()
