"""How many columns a text takes in a terminal: as many as in the one that gives it the most.

Terminals differ, and so do the versions of their tables. Where a row is broken
too early, nothing is lost. Where it is broken too late, its end stands in the
next row's first column, where it could pass for another line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

__all__ = ["clip", "clusters", "width"]

_PICTURES: Final = "[\u3248-\u324f\U0001f000-\U0001faff]"
"""Blocks of emoji, whatever may still come in them, and numbers that the C library takes for wide."""
_YOUNG: Final = "[\u0890-\u089f\u0cf3\u1abf-\u1aff\U00010000-\U000e00ff]"
"""Marks that terminals with older tables show in a column of their own."""
_AS_EMOJI: Final = "\ufe0f"
"""Asks for the character before it to be shown as an emoji, which is a column wider."""
_JOINER: Final = "\u200d"
_REGIONS: Final = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Letters that make a flag two by two."""
_TONES: Final = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_ATTACHED: Final = frozenset({"Mn", "Me", "Mc", "Cf"})


def width(text: str) -> int:
    """The most columns that ``text`` takes. It has been cleaned, and has neither tabs nor line feeds."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def clip(text: str, columns: int) -> str:
    """``text`` if it fits so many ``columns``, or else its beginning and an ellipsis."""
    if width(text) <= columns:
        return text
    kept, used = "", 1
    for cluster in clusters(text):
        used += width(cluster)
        if used > columns:
            break
        kept += cluster
    return f"{kept.rstrip()}…"


def clusters(text: str) -> Iterator[str]:
    """``text`` in pieces that belong together: a character with its marks, a joined emoji, a flag."""
    start, before = 0, ""
    for place, character in enumerate(text):
        if place > start and not _is_attached(character, before):
            yield text[start:place]
            start = place
        # The second letter of a flag ends it: a third one begins another.
        before = "" if character in _REGIONS and before in _REGIONS and before else character
    if text:
        yield text[start:]


@lru_cache(4096)
def _is_attached(character: str, before: str) -> bool:
    """Whether ``character`` belongs to what stands ``before`` it."""
    if before == _JOINER or character in _TONES:
        return True
    if character in _REGIONS:
        return bool(before) and before in _REGIONS
    return unicodedata.category(character) in _ATTACHED


@lru_cache(4096)
def _columns(character: str) -> int:
    from wcwidth import wcwidth  # here, because a pipe needs none of it

    category = unicodedata.category(character)
    if character == _AS_EMOJI:
        return 1
    if category in ("Mn", "Me"):
        return 1 if re.match(_YOUNG, character) else 0
    if category == "Cf":
        return max(0, wcwidth(character))
    # A character that is newer than this Python may be wide, and a spacing mark is, if Unicode calls it so.
    if category == "Cn" or unicodedata.east_asian_width(character) in "WF" or re.match(_PICTURES, character):
        return 2
    return max(1, wcwidth(character))
