"""The last lines of a command's output in the form for a room: short, plain and redacted."""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Sequence
from typing import Final

from chatty.cli.terminal.cleaning import clean

__all__ = ["LAST_BYTES", "LAST_LINES", "LastLines", "Patterns", "command_line", "in_code_block"]

LAST_LINES: Final = 50
LAST_BYTES: Final = 8 * 1024
_LINE_BYTES: Final = 64 * 1024  # kept of one line
_LINE_POINTS: Final = 500  # shown of one line
_COMMAND_POINTS: Final = 200

_ESCAPES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"  # titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]"
    r"|.\x08",  # overstruck
    re.DOTALL,
)

Patterns = Sequence[re.Pattern[str]]


def command_line(command: Sequence[str], patterns: Patterns) -> str:
    """``command`` as a user types it, on one line, redacted and shortened."""
    line = shlex.join(_redacted(word, patterns) for word in command)
    return _cut(clean(_redacted(line, patterns), newlines=False), _COMMAND_POINTS)


def in_code_block(text: str) -> str:
    """``text`` as a block of code in Markdown, whatever it contains."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


class LastLines:
    """The last lines of several streams, in the order in which they were completed.

    A line is redacted as a whole before any of it is shown. Otherwise half a
    secret could be shown before the other half comes.
    """

    def __init__(self, patterns: Patterns = ()) -> None:
        self._patterns = patterns
        self._lines: deque[bytes] = deque(maxlen=LAST_LINES)
        self._begun: dict[int, bytes] = {}

    def feed(self, stream: int, data: bytes) -> None:
        """``data`` was printed to ``stream``."""
        *lines, begun = (self._begun.get(stream, b"") + data).split(b"\n")
        self._lines.extend(line[:_LINE_BYTES] for line in lines[-LAST_LINES:])
        if b"\r" in begun:  # a line that is drawn over and over, such as a progress bar
            begun = b"\r".join(begun.split(b"\r")[-2:])
        self._begun[stream] = begun[:_LINE_BYTES]

    def text(self, most: int = LAST_LINES, *, ended: bool) -> str:
        """The last ``most`` lines, at most 8 KiB. Unfinished lines count only when the command has ``ended``."""
        begun = [line if ended else line.rpartition(b"\r")[0] for line in self._begun.values()]
        lines = deque([*self._lines, *filter(None, begun)], maxlen=most)
        shown: deque[str] = deque()
        size = 0
        for line in reversed(lines):
            text = self._shown(line)
            size += len(text.encode()) + 1
            if size > LAST_BYTES:
                break
            shown.appendleft(text)
        return "\n".join(shown).strip("\n")

    def _shown(self, line: bytes) -> str:
        drawn = _ESCAPES.sub("", line.decode("utf-8", "replace")).rstrip("\r").rpartition("\r")[2]
        return _cut(clean(_redacted(drawn, self._patterns), newlines=False), _LINE_POINTS).rstrip()


def _redacted(text: str, patterns: Patterns) -> str:
    for pattern in patterns:
        text = pattern.sub(lambda found: "REDACTED" if found[0] else "", text)
    return text


def _cut(text: str, points: int) -> str:
    return text if len(text) <= points else f"{text[: points - 1]}…"
