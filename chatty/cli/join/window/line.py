"""The line that is typed: which one is in front, how it is shown, and how it is completed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from itertools import accumulate
from typing import Any, Protocol

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_to_text
from prompt_toolkit.layout import BufferControl
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

from chatty.cli.join.window.completion import candidates
from chatty.cli.terminal.cleaning import clean, shown

__all__ = ["Candidates", "FrontLine", "Visible"]


class Known(Protocol):
    """The names and the rights that completion knows."""

    def people(self) -> list[str]:
        """The others, the latest to speak first."""

    def can(self) -> Collection[str]:
        """The rights that one has here."""


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
