"""The keys that select a message, and what they do with it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Final, Protocol

from prompt_toolkit.filters import Condition, Filter
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from chatty.cli.join.room.message_target import Choice
from chatty.cli.join.room.selection import Selection
from chatty.cli.join.window.reaction_menu import ReactionMenu

__all__ = ["Pointed", "Pointing"]

MOST: Final = 74_000
"""Characters of base64 that terminals take for their clipboard."""


class Pointed(Protocol):
    """The side of a conversation that is pointed at."""

    @property
    def selection(self) -> Selection:
        """The message that the person points at."""

    def act(self, line: str) -> bool:
        """Do what ``line`` says, and leave the one that is being typed. False: it was refused."""

    def hint(self, text: str, *, briefly: bool = False) -> None:
        """Show ``text`` in the status line, ``briefly``: until the next key; empty takes it away."""

    def drafted(self, draft: str) -> None:
        """The line is ``draft`` now, or is about another message."""

    draft: str
    """The line that is being typed."""


class Pointing:
    """What is asked about the selected message: which reaction, or whether to delete it.

    ``front`` gives the desk in front.
    """

    def __init__(self, front: Callable[[], Pointed]) -> None:
        self._front = front
        self._menu: ReactionMenu | None = None
        self._deleting = False
        self._about: Choice | None = None
        """The message that is asked about. If another one is selected, the question is over."""
        self._asked_now = False
        """Whether the question was asked by the key that is being handled."""

    @property
    def _desk(self) -> Pointed:
        return self._front()

    def _moved(self) -> None:
        """Another message, or none, is selected."""
        self._desk.drafted(self._desk.draft)

    @property
    def asking(self) -> bool:
        """Whether there is a question, which the keys answer."""
        return self._about is not None and self._about is self._desk.selection.choice

    @property
    def row(self) -> str:
        """The question; empty if there is none."""
        if not self.asking:
            return ""
        return "delete it? Enter or y: yes" if self._menu is None else self._menu.row()

    def cancel(self) -> bool:
        """Answer the question by no, else let go of the message. False: there was neither."""
        if self.asking:
            self._about = None
            return True
        if self._desk.selection.choice is None:
            return False
        self._desk.selection.let_go()
        self._moved()
        return True

    def enter(self) -> bool:
        """Enter was pressed. False: it answers no question."""
        if not self.asking:
            return False
        if self._menu is None:
            self._act("/delete")
        elif reaction := self._menu.enter():
            self._act(f"/react {reaction}")
        return True

    # --- after each key ---

    def after_key(self) -> None:
        """A key has done what it does. Any but the one that asked whether to delete answers that."""
        if self._menu is None and not self._asked_now:
            self._about = None
        self._asked_now = False

    # --- keys ---

    def keys(self, typing: Filter) -> KeyBindings:
        """The keys, which work while ``typing`` holds."""
        keys = KeyBindings()
        selected = typing & Condition(lambda: self._desk.selection.choice is not None)
        asking = typing & Condition(lambda: self.asking)

        @keys.add("escape", "up", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self._select(self._desk.selection.up)

        @keys.add("escape", "down", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self._select(self._desk.selection.down)

        @keys.add("escape", filter=selected)
        def _(event: KeyPressEvent) -> None:
            self.cancel()

        @keys.add("escape", "r", filter=selected)
        def _(event: KeyPressEvent) -> None:
            self._ask(ReactionMenu())

        @keys.add("escape", "d", filter=selected)
        def _(event: KeyPressEvent) -> None:
            self._ask(None)

        @keys.add("escape", "e", filter=selected)
        def _(event: KeyPressEvent) -> None:
            if self._desk.draft:
                self._tell("send your line first, or clear it with Ctrl-C")
            else:
                self._desk.act("/edit")

        @keys.add("escape", "y", filter=selected)
        def _(event: KeyPressEvent) -> None:
            self._copy(event)

        @keys.add(Keys.Any, filter=asking)
        def _(event: KeyPressEvent) -> None:
            self._answer(event.data)

        @keys.add("backspace", filter=asking)
        def _(event: KeyPressEvent) -> None:
            if self._menu is None or not self._menu.erase():
                self.cancel()

        return keys

    def _select(self, step: Callable[[], bool]) -> None:
        self._about = None
        if not step():
            self._tell("no message to point at yet")
        elif self._desk.selection.choice is not None:
            own = ", E edit, D delete" if self._desk.selection.is_mine else ""
            self._tell(f"Enter: reply · Alt-R react{own}, Y copy · Esc")
        self._moved()

    def _ask(self, menu: ReactionMenu | None) -> None:
        self._menu, self._about, self._asked_now = menu, self._desk.selection.choice, True

    def _answer(self, key: str) -> None:
        if self._menu is None:
            if key == "y":
                self._act("/delete")
        elif reaction := self._menu.press(key):
            self._act(f"/react {reaction}")

    def _act(self, line: str) -> None:
        self._about = None
        self._desk.act(line)
        self._moved()

    def _copy(self, event: KeyPressEvent) -> None:
        """Give the message's text to the terminal's clipboard, by OSC 52."""
        text = self._desk.selection.text
        data = b64encode(text.encode("utf-8", "replace")).decode()
        if not text or len(data) > MOST:
            self._tell("that message is too long to copy" if text else "that message has no text")
            return
        event.app.output.write_raw(f"\x1b]52;c;{data}\a")
        event.app.output.flush()
        self._desk.selection.let_go()
        self._tell("copied")
        self._moved()

    def _tell(self, text: str) -> None:
        self._desk.hint(text, briefly=True)
