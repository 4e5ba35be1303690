"""Whether a text speaks to somebody, ``@ada`` or ``Ada:``, or has a word that somebody waits for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from chatty.cli.terminal.cleaning import clean, uncolored
from chatty.names import compare_key

__all__ = ["is_mention"]

_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u2e80-\u2fff\u3005-\u3007\u3021-\u302f"
    "\u3031-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua980-\ua9ff\uaa60-\uaadf"
    "\uf900-\ufaff\uff66-\uff9f\U00016fe0-\U00018dff\U0001aff0-\U0001b2ff\U00020000-\U0003ffff]"
)
"""Letters of scripts that put no space between words: Chinese, Japanese, Thai, Lao, Burmese, Khmer and their kin."""
_HANGUL: Final = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
"""Korean has spaces between words, but none between a name and the particle behind it."""
_MARKDOWN: Final = re.compile("[_*~]{0,6}")
_AROUND: Final = "[_*~`\u2066-\u2069\u200e\u200f]{0,6}"
_BEGINNING: Final = re.compile(_AROUND)
_COLON: Final = re.compile(rf"{_AROUND}(?::(?![-()/:|])| :(?=\s|$))")
"""Neither of a smiley nor of an address. A full-width one is the same in the form of `compare_key`."""
_COMMA: Final = re.compile(f"{_AROUND}[,\u3001\u060c]")
_OPENING: Final = re.compile(r"(?<!\w)_+(?=[^\s_])")
LONG: Final = 1_000
"""Characters; to normalize a longer text could take long, if it is made of marks."""


def is_mention(text: str, name: str, highlight: Iterable[str] = ()) -> bool:
    """Whether ``text`` speaks to ``name``, or has one of the words to ``highlight``, in upper or lower case.

    It speaks to a name behind an @ (``@ada``), before a colon (``ada: hi``) or,
    at its beginning, before a comma (``Ada, hi``). A word to highlight counts
    wherever it stands. Both may hold spaces and anything else, and are words of
    their own: ``john@example.org``, ``johnny`` and ``john-smith`` don't have
    john in them. Markdown's signs may stand around them. In a script without
    spaces between words they are found wherever they stand; one of a single
    letter there needs an @, or something else than a letter on both sides. An
    empty name is never mentioned.
    """
    text = uncolored(text)
    words = compare_key(text if len(text) <= LONG else clean(text))
    return _has(words, compare_key(name), addressed=True) or any(_has(words, compare_key(word)) for word in highlight)


def _has(words: str, key: str, *, addressed: bool = False) -> bool:
    """Whether ``words`` have ``key`` as a word of its own, and if ``addressed``, speak to it."""
    if not key:
        return False
    opening = _OPENING.search(words)
    slanted = opening.start() if opening else len(words)
    return any(
        not _goes_on_before(words, found.start(), lone=_is_lone(key))
        and not _goes_on_behind(words, found.end() + len(key), slanted, lone=_is_lone(key) and not found[0])
        and (not addressed or found[0] or _is_address(words, found.start(), found.end() + len(key)))
        for found in _occurrences(key).finditer(words)
    )


def _is_address(words: str, start: int, end: int) -> bool:
    """Whether ``words`` speak to the name that stands there without an @."""
    return _COLON.match(words, end) is not None or (
        _BEGINNING.fullmatch(words, 0, start) is not None and _COMMA.match(words, end) is not None
    )


@lru_cache(maxsize=16)
def _occurrences(key: str) -> re.Pattern[str]:
    # It looks ahead, since the next occurrence may begin within one that doesn't count.
    return re.compile(f"@?(?={re.escape(key)})")


def _is_lone(key: str) -> bool:
    return len(key) == 1 and _UNSPACED.match(key) is not None


def _goes_on_before(words: str, start: int, *, lone: bool) -> bool:
    """Whether the name, or its @, that begins at ``start`` is only the rest of a word."""
    first = words[start]
    place = start
    while place and start - place < 6 and words[place - 1] in "_*~":
        place -= 1
    if place < start and "_" not in words[place:start]:  # the others are not part of a word
        return False
    if place and words[place - 1] == "@":
        return True
    if place and place == start and words[place - 1] == "-":
        place -= 1
    if not place or not _is_letter(before := words[place - 1]):
        return False
    if first != "@" and _is_hangul(before) != _is_hangul(first):
        return False
    if lone and first != "@":
        return True
    return not (_UNSPACED.match(before) or _UNSPACED.match(first) or (first == "@" and _is_hangul(before)))


def _goes_on_behind(words: str, end: int, slanted: int, *, lone: bool) -> bool:
    """Whether a name that ends before ``end`` is only the beginning of a longer one.

    ``slanted`` is the place of the first ``_`` that begins italics: one behind the name may end them.
    """
    signs = _MARKDOWN.match(words, end)
    assert signs
    place = signs.end()
    if "_" in signs[0] and end <= slanted:
        return True
    if signs[0] and "_" not in signs[0]:
        return False
    if not signs[0] and words[place : place + 1] in ("-", "@"):
        place += 1
    after, last = words[place : place + 1], words[end - 1]
    if not after or not _is_letter(after):
        return False
    if unicodedata.category(after)[0] == "M":
        return True
    if _is_hangul(after) or _is_hangul(last):
        return False
    return lone or not (_UNSPACED.match(after) or _UNSPACED.match(last))


def _is_letter(character: str) -> bool:
    """Whether ``character`` is a letter, a digit, or a mark on one."""
    return unicodedata.category(character)[0] in "LMN"


def _is_hangul(character: str) -> bool:
    return _HANGUL.match(character) is not None
