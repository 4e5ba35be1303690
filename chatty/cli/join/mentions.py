"""Whether a text speaks of somebody: ``@ada``, ``Ada:`` or just the name."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["is_mention"]


def is_mention(text: str, name: str) -> bool:
    """Whether ``text`` has ``name`` as a word of its own, with an @ or without, in upper or lower case.

    A name may hold spaces and anything else. ``john@example.org``, ``johnny``
    and ``john-smith`` are no mentions of john; an empty name is never mentioned.
    """
    return bool(name) and _word(name).search(_folded(text)) is not None


@lru_cache(maxsize=16)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@])(?<!\w-)@?{re.escape(_folded(name))}(?!-?\w)(?!@\w)")


def _folded(text: str) -> str:
    """As names are compared: Ａｄａ is ada."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold()
