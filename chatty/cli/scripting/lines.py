"""Turns the bytes from a pipe into messages, one per line. No I/O."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

from chatty.cli.terminal.cleaning import COLORS
from chatty.protocol import MESSAGE_BYTES

__all__ = ["Lines", "Odd", "uncolored_rows"]

_MARK: Final = "\udcff"
"""Stands for bytes that are not UTF-8 until their line is complete. No valid input decodes to it."""


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _MARK, error.end


codecs.register_error("chatty.mark", _mark)


_REPAIRED: Final = "\ufffd"
_COLORS: Final = re.compile(COLORS)
_BEGUN: Final = re.compile(r"(?:\x1b(?:\[[0-9:;]{0,64})?|\x9b[0-9:;]{0,64})\Z")
"""The beginning of what may become `COLORS`."""


def uncolored_rows(text: str) -> tuple[str, int]:
    """``text`` without what `Lines` leaves out: colours, and a CR at the end of a row. And how many rows had any."""
    rows = text.split("\n")
    plain = [_COLORS.sub("", row).removesuffix("\r") for row in rows]
    return "\n".join(plain), sum(row != other for row, other in zip(rows, plain, strict=True))


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
    part, as in Python). Colours for a terminal and a CR at the end are left
    out, unless the input is ``raw``. If ``strict``, such a line raises `Odd`
    instead. Everything else is sent unchanged. It makes no difference in which
    chunks the input comes. A line without an end is held up to one message's
    length.
    """

    def __init__(self, *, strict: bool = False, raw: bool = False) -> None:
        self.blank = 0
        self.split = 0
        self.repaired = 0
        self.uncolored = 0
        """Lines that had colours, or a CR at the end."""
        self._strict = strict
        self._raw = raw
        self._decode = codecs.getincrementaldecoder("utf-8")("chatty.mark").decode
        self._number = 1
        self._rest = ""
        self._begun = ""  # of a colour that may go on in the next chunk
        self._colored = False  # whether the present line had any
        self._parts = 0  # of the present line, so far
        self._sent = False  # whether any of them was sent
        self._broken = False  # whether any of them was not UTF-8

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The messages that are complete with ``chunk``."""
        text = self._begun + self._decode(chunk)
        begun = None if self._raw else _BEGUN.search(text)
        self._begun = begun[0] if begun else ""
        *ended, rest = text.removesuffix(self._begun).split("\n")
        for ending in ended:
            line, self._rest = self._plain(self._rest + self._uncolored(ending)), ""
            if self._is_usual(line):
                yield line
                self._number += 1
            else:
                yield from self._end(line)
        self._rest += self._uncolored(rest)
        while len(self._rest) - self._rest.endswith("\r") > MESSAGE_BYTES:
            part, self._rest = self._cut(self._rest)
            if part:
                yield part

    def end(self) -> Iterator[str]:
        """The rest at the end of the input: its last line may lack a newline."""
        rest = self._rest + self._begun + self._decode(b"", True)
        if rest or self._parts:
            yield from self._end(self._plain(rest))

    def _uncolored(self, text: str) -> str:
        """A piece of the present line without colours."""
        if self._raw or ("\x1b" not in text and "\x9b" not in text):
            return text
        plain = _COLORS.sub("", text)
        if plain != text:
            self._odd("has colours (--raw sends them)")
            self._colored = True
        return plain

    def _plain(self, line: str) -> str:
        """The present line's last piece without a CR at its end."""
        if self._raw or not line.endswith("\r"):
            return line
        if not line.isspace():
            self._odd("ends with a CR (--raw sends it)")
        self._colored = True
        return line[:-1]

    def _is_usual(self, line: str) -> bool:
        """Whether ``line`` is a message as it is. A code point takes at most four bytes."""
        return (
            not self._parts
            and not self._colored
            and len(line) * 4 <= MESSAGE_BYTES
            and _MARK not in line
            and line != ""
            and not line.isspace()
        )

    def _end(self, line: str) -> Iterator[str]:
        while line:
            part, line = self._cut(line)
            if part:
                yield part
        if not self._sent:
            self._odd("is blank")
            self.blank += 1
        else:
            self.split += self._parts > 1
            self.uncolored += self._colored
        self.repaired += self._broken
        self._number += 1
        self._parts, self._sent, self._broken, self._colored = 0, False, False, False

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
