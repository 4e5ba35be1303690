"""The line that is typed: which one is in front, how it is shown, and how it is completed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from itertools import accumulate
from typing import Any, Protocol

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Filter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_to_text
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

from chatty.cli.join.window.completion import candidates
from chatty.cli.join.window.paste import PasteGuard
from chatty.cli.terminal.cleaning import clean, shown

__all__ = ["Candidates", "FrontLine", "Line", "Visible", "line_keys"]


class Known(Protocol):
    """The names and the rights that completion knows."""

    def people(self) -> list[str]:
        """The others, the latest to speak first."""

    def can(self) -> Collection[str]:
        """The rights that one has here."""


class Line(Buffer):
    """The line of one desk. Its ``guard`` knows whether it was pasted."""

    def __init__(self, **how: Any) -> None:
        self.guard = PasteGuard()
        super().__init__(**how)


class FrontLine(BufferControl):
    """Shows the line of whichever desk is in front."""

    def __init__(self, front: Callable[[], Buffer], **how: Any) -> None:
        self._front = front
        super().__init__(**how)

    @property
    def buffer(self) -> Buffer:
        return self._front()

    @buffer.setter
    def buffer(self, buffer: Buffer) -> None:
        """Nothing: it is always the one in front."""


class Visible(Processor):
    """Shows characters that a terminal would obey or hide as `shown` does.

    Only the screen differs: the draft is sent as it was typed or pasted.
    """

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        text = fragment_list_to_text(transformation_input.fragments)
        if clean(text, newlines=False) == text:  # as nearly always, and this is asked several times for each key
            return Transformation(transformation_input.fragments)
        fragments = explode_text_fragments(transformation_input.fragments)
        pieces = shown(fragment_list_to_text(fragments), newlines=False)
        seen: StyleAndTextTuples = [
            (style, piece) for (style, *_), piece in zip(fragments, pieces, strict=True) if piece
        ]
        starts = list(accumulate(map(len, pieces), initial=0))

        def to_display(place: int) -> int:
            return starts[min(place, len(pieces))] + max(0, place - len(pieces))

        def to_source(place: int) -> int:
            return bisect_right(starts, place) - 1 + max(0, place - starts[-1])

        return Transformation(seen, to_display, to_source)


class Candidates(Completer):
    """The `candidates` for the line, with the people of the conversation."""

    def __init__(self, desk: Known, rooms: Callable[[], Iterable[str]]) -> None:
        self._desk = desk
        self._rooms = rooms

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        desk, asked = self._desk, complete_event.completion_requested
        for one in candidates(before, desk.people(), desk.can(), self._rooms, asked=asked):
            yield Completion(one.text, -one.length, display=one.shown, display_meta=one.help)


def line_keys(typing: Filter) -> KeyBindings:
    """Keys that work on any line while ``typing`` holds: Tab, and those with Alt that mean nothing."""
    keys = KeyBindings()

    @keys.add("tab", filter=typing)
    def _(event: KeyPressEvent) -> None:
        """Take the only candidate, or go through them."""
        line = event.current_buffer
        state = line.complete_state
        asked = CompleteEvent(completion_requested=True)
        found = state.completions if state else list(line.completer.get_completions(line.document, asked))
        if len(found) == 1:
            line.apply_completion(found[0])
            if " " not in (line.document.char_before_cursor, line.document.current_char):
                line.insert_text(" ")
        elif state:
            line.complete_next()
        else:
            line.start_completion(insert_common_part=True)

    @keys.add("escape", Keys.Any, filter=typing)
    def _(event: KeyPressEvent) -> None:
        """Do nothing, where else the letter would be typed. Another key came behind Esc, and counts by itself."""
        if isinstance((press := event.key_sequence[-1]).key, Keys):
            event.key_processor.feed(press, first=True)

    return keys
