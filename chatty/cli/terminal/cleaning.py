"""Text that came from somebody else, made safe to show.

A terminal obeys what it is sent. `clean` leaves only what can be read, and
shows the rest instead of sending it: a control character as its picture
(ESC is ``␛``), what is invisible as its number (``<U+202E>``).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["as_utf8", "clean"]

MARKS: Final = 4
"""Combining marks kept on one character; more of them climb over the lines above."""

_ASCII: Final = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_LINE: Final = {code: shown for code, shown in _ASCII.items() if code != 0x09}
_TEXT: Final = {code: shown for code, shown in _LINE.items() if code != 0x0A}

_EMOJI: Final = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
# Scripts that are written with joiners (Arabic, Syriac, N'Ko, Indic ones, Mongolian), but for what is hidden in them.
_JOINING: Final = "\u0600-\u061b\u061d-\u07ff\u0840-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af"
_JOINERS: Final = re.compile(
    rf"(?<=[{_EMOJI}])[\ufe0e\ufe0f](?:\u200d(?=[{_EMOJI}]))?"
    rf"|(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])"
    r"|(?<=[#*0-9])\ufe0f(?=\u20e3)"
    rf"|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
)

# Characters without a mark of their own whose category does not say so.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
# Format characters that are seen: Arabic number signs, Syriac, Kaithi.
_SEEN: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MARKS: Final = frozenset({"Mn", "Me"})


def clean(text: str, *, newlines: bool = True) -> str:
    """``text`` with everything shown that a terminal would obey or hide.

    Tabs stay, and so do line feeds unless ``newlines`` is false. Emoji keep
    their joiners and selectors, scripts that need joiners keep theirs. Beyond
    four combining marks on one character the rest is left out. Cleaning twice
    is cleaning once.
    """
    text = text.translate(_TEXT if newlines else _LINE)
    if text.isascii():
        return text
    text = _thin_marks(text)
    kept = {place for joiner in _JOINERS.finditer(text) for place in range(*joiner.span())}
    return "".join(
        f"<U+{ord(character):04X}>" if _invisible(character) and place not in kept else character
        for place, character in enumerate(text)
    )


def as_utf8(text: str) -> str:
    """``text`` as it was typed or given, with what was no UTF-8 in it, which Python keeps as surrogates, replaced."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _thin_marks(text: str) -> str:
    thinned = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if marks <= MARKS:
            thinned.append(character)
    return "".join(thinned)


def _invisible(character: str) -> bool:
    if unicodedata.category(character) in _HIDDEN:
        return character not in _SEEN and character not in "\n\t"
    return character in _BLANK or "\ufe00" <= character <= "\ufe0f" or "\U000e0000" <= character <= "\U000e0fff"
