"""Turns the bytes from a pipe into messages, one per line. No I/O."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

from chatty.protocol import MESSAGE_BYTES

__all__ = ["Lines", "Odd"]

_MARK: Final = "\udcff"
"""Stands for bytes that are not UTF-8 until their line is complete. No valid input decodes to it."""


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _MARK, error.end


codecs.register_error("chatty.mark", _mark)


_REPAIRED: Final = "\ufffd"


class Odd(ValueError):
    """A line that can't be sent unchanged: its ``number``, from 1, and ``why``."""

    def __init__(self, number: int, why: str) -> None:
        self.number = number
        self.why = why
        super().__init__(number, why)


class Lines:
    """Makes messages of lines, and counts the lines that it had to change.

    Blank lines are skipped, lines over ``MESSAGE_BYTES`` are split between code
    points, and bytes that are not UTF-8 become U+FFFD (one for each maximal
    part, as in Python). If ``strict``, such a line raises `Odd` instead.
    Everything else is sent unchanged. It makes no difference in which chunks
    the input comes. A line without an end is held up to one message's length.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.blank = 0
        self.split = 0
        self.repaired = 0
        self._strict = strict
        self._decode = codecs.getincrementaldecoder("utf-8")("chatty.mark").decode
        self._number = 1
        self._rest = ""
        self._parts = 0  # of the present line, so far
        self._sent = False  # whether any of them was sent
        self._broken = False  # whether any of them was not UTF-8

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The messages that are complete with ``chunk``."""
        *ended, self._rest = (self._rest + self._decode(chunk)).split("\n")
        for line in ended:
            if not self._parts and len(line) * 4 <= MESSAGE_BYTES and _MARK not in line and line and not line.isspace():
                yield line  # the usual case; a code point takes at most four bytes
                self._number += 1
            else:
                yield from self._end(line)
        while len(self._rest) > MESSAGE_BYTES:
            part, self._rest = self._cut(self._rest)
            if part:
                yield part

    def end(self) -> Iterator[str]:
        """The rest at the end of the input: its last line may lack a newline."""
        self._rest += self._decode(b"", True)
        if self._rest or self._parts:
            line, self._rest = self._rest, ""
            yield from self._end(line)

    def _end(self, line: str) -> Iterator[str]:
        while line:
            part, line = self._cut(line)
            if part:
                yield part
        if not self._sent:
            self._odd("is blank")
            self.blank += 1
        elif self._parts > 1:
            self.split += 1
        self.repaired += self._broken
        self._number += 1
        self._parts, self._sent, self._broken = 0, False, False

    def _cut(self, text: str) -> tuple[str, str]:
        """The longest beginning of ``text`` that fits a message, or nothing if that is blank; and the rest."""
        encoded = text[:MESSAGE_BYTES].replace(_MARK, _REPAIRED).encode()
        size = len(encoded[:MESSAGE_BYTES].decode("utf-8", "ignore"))
        part, rest = text[:size], text[size:]
        self._parts += 1
        if rest:
            self._odd("is too long")
        if _MARK in part:
            self._odd("is not UTF-8")
            self._broken = True
        if part.isspace():
            return "", rest
        self._sent = True
        return part.replace(_MARK, _REPAIRED), rest

    def _odd(self, why: str) -> None:
        if self._strict:
            raise Odd(self._number, why)
