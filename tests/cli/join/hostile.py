"""What a hostile person would send, and an eye on what of it reaches a terminal."""

from __future__ import annotations

import os
import re
import sys
import threading
from random import Random
from types import TracebackType
from typing import Final, Self
from unicodedata import category

LIST: Final = (
    # commands for terminals, by ESC and by C1 controls
    "\x1b[2J\x1b[H",
    "\x1b[8mhidden\x1b[28m",
    "\x1b[5;31mblink",
    "\x1bc",
    "\x1b(0",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x1b[c",
    "\x1b[>q",
    "\x1b[1;5r",
    "\x1b[20t",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gi=1;AAAA\x1b\\",
    "\x1b^private\x1b\\",
    "\x1b[200~rm -rf\x1b[201~",
    "\x1b]0;title\x07",
    "\x1b]2;title\x1b\\",
    "\x1b]8;;https://evil.example\x1b\\good\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]4;1;rgb:00/00/00\x07",
    "\x1b]1337;File=inline=1:AAAA\x07",
    "\x1b]777;notify;a;b\x07",
    "\x1b\x1b[1m",
    "\x1b",
    "\x9b2J",
    "\x9d8;;https://evil.example\x9cgood\x9d8;;\x9c",
    "\x90q\x9c",
    "\x85",
    "\x84\x8d\x8f\x98\x9a\x9e\x9f",
    "\x00",
    "\x07",
    "\x08\x08\x08",
    "\x0b",
    "\x0c",
    "\x0e\x0f",
    "\x7f",
    "\r12:00 bob │ me?",
    "a\rb",
    "\x05",
    "\x1a",
    "\x18[31m",
    # what is not to be seen, or seen elsewhere
    "\u202eevil\u202c",
    "\u2066a\u2069",
    "\u2067b\u2068",
    "\u200e\u200f\u061c",
    "\u200b\u200c\u200d\u2060\ufeff",
    "\u00ad",
    "\u2028two\u2029three",
    "\u3164",
    "\u034f",
    "\ufff9a\ufffab\ufffb",
    "".join(chr(0xE0000 + ord(c)) for c in "tags\x7f"),
    "\U000e0001",
    "a\ufe0f\ufe0e",
    "\U000e0100",
    "\ud800",
    "\udfff",
    "\ud83d",
    "a" + "\u0301" * 300,
    "\u0301" * 300,
    "a" + "\u20dd" * 300,
    # what our own tools could take for something
    "[bold red]x[/bold red]",
    "[link=https://evil.example]good[/link]",
    "[/]",
    "[@click=app.bell]x[/]",
    ":smile: :tada:",
    "{name} {0} %s",
    "<b>x</b>",
    "<ansired>x</ansired>",
    "&#27;[2J",
    "\\x1b[2J",
    "\\u001b]0;x\\u0007",
    "\\e[31m",
    # Markdown, alone and around the rest
    "[good](https://evil.example)",
    "[a](\x1b]8;;x\x1b\\)",
    "![x](https://evil.example/\x1b[2J)",
    "<https://evil.example/\x1b[2J>",
    "[\x1b]52;c;eA==\x07](x)",
    "**\x1b[2J**",
    "`\x1b[2J`",
    "*a\x9b2Jb*",
    "```\n\x1b[2J\n```",
    "```python\nx = '\x1b]0;x\x07'\n```",
    "```\x1b[2J\ncode\n```",
    "```html\n<a href='\x1b[2J'>\n```",
    "> \x1b[2J",
    "- \x1b[2J",
    "\\\x1b[2J",
    "\\*\x1b*[2J*",
    "*\x1b*[2J",
    "\x1b**[**2J",
    "a" + "\u0301" * 4 + "*" + "\u0301" * 4 + "b*",
    "~~\u202e~~",
    "_\u200d_",
    "[\u202e](\u202e)",
    "https://evil.example/\x1b[2J",
)

_PIECES: Final = (*"\x1b\x9b\x9d\x07*_`~[]()\\>- \n;?0m", "```", "\u200d", "\u0301", "👩", "é", "日本")
_UNSEEN: Final = tuple(
    letter for letter in map(chr, (*range(0x20000), *range(0xE0000, 0xE1000)))  # there are none elsewhere
    if category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Me"}
)  # fmt: skip


def hostile_text(chance: Random) -> str:
    """Some of all that, in any order, and between it any letters at all."""
    kinds = (
        lambda: chance.choice(LIST),
        lambda: chance.choice(_PIECES),
        lambda: chance.choice(_UNSEEN),
        lambda: "".join(_letter(chance) for _ in range(chance.randint(0, 8))),
    )
    return "".join(chance.choice(kinds)() for _ in range(chance.randint(0, 8)))


def _letter(chance: Random) -> str:
    while True:
        letter = chr(chance.randrange(chance.choice((0x80, 0x3000, sys.maxunicode + 1))))
        if category(letter) not in {"Cs", "Cn", "Co"}:
            return letter


_SGR: Final = re.compile(r"\x1b\[([0-9;]*)m")
_OURS: Final = frozenset(map(str, [0, 1, 2, 3, 4, 9, *range(30, 38), *range(90, 98)]))
"""What we set: bold, dim, italics, underlined, struck, and the terminal's own colours for letters."""
_FOREIGN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # controls, ESC among them
    "|\r(?!\n)"
    "|[\u00ad\u2028\u2029\u202d\u202e\u2060-\u2065\u206a-\u206f\u3164\ufeff\ufff9-\ufffb\ud800-\udfff]"
    "|[\u061c\u200e\u200f]{2}"  # one alone is a letter that isn't seen
    "|(?<![\u0e01-\u0eff\u1000-\u109f\u1780-\u19df])\u200b"
    "|(?<![\U000e0020-\U000e007f\U0001f3f4])[\U000e0000-\U000e00ff]"  # but for a flag's
    "|(?<![\u3400-\u9fff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]|[\U000e01f0-\U000e0fff]"
    "|[\u0300-\u036f\u20d0-\u20f0]{5}"
)


def foreign(seen: str) -> list[str]:
    """What is in ``seen``, as a terminal got it, that we would never send. Empty: all is well."""
    sequences = [found for found in _SGR.findall(seen) if not _OURS.issuperset(found.split(";"))]
    return sequences + _FOREIGN.findall(_SGR.sub("", seen))


class Terminal:
    """A real pseudo-terminal: what is written to it comes out at the side where a terminal would show it."""

    def __enter__(self) -> Self:
        self._ours, self._theirs = os.openpty()
        self._seen = b""
        self._more = threading.Condition()
        self._count = 0
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._theirs)
        self._reader.join()
        os.close(self._ours)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65_536)
            except OSError:  # the other side is closed
                return
            with self._more:
                self._seen += data
                self._more.notify()

    def shows(self, text: str) -> str:
        """What the terminal gets when ``text`` is written."""
        self._count += 1
        end = f"--end of {self._count}--"
        written = memoryview(f"{text}{end}".encode())
        while written:
            written = written[os.write(self._theirs, written) :]
        with self._more:
            assert self._more.wait_for(lambda: end.encode() in self._seen, timeout=60)
            seen, _, self._seen = self._seen.partition(end.encode())
        return seen.decode()
