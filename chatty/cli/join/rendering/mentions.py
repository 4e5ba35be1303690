"""Whether a text speaks of somebody: ``@ada``, ``Ada:`` or just the name."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from chatty.cli.terminal.cleaning import clean
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
_OPENING: Final = re.compile(r"(?<!\w)_+(?=[^\s_])")
LONG: Final = 1_000
"""Characters; to normalize a longer text could take long, if it is made of marks."""


def is_mention(text: str, name: str) -> bool:
    """Whether ``text`` has ``name`` as a word of its own, with an @ or without, in upper or lower case.

    A name may hold spaces and anything else. ``john@example.org``, ``johnny``
    and ``john-smith`` don't mention john. Markdown's signs may stand around a
    name. In a script without spaces between words it is found wherever it
    stands; one of a single letter there needs an @, or something else than a
    letter on both sides. An empty name is never mentioned.
    """
    if not (key := compare_key(name)):
        return False
    words = compare_key(text if len(text) <= LONG else clean(text))
    opening = _OPENING.search(words)
    slanted = opening.start() if opening else len(words)
    return any(
        not _goes_on_before(words, found.start(), lone=_is_lone(key))
        and not _goes_on_behind(words, found.end() + len(key), slanted, lone=_is_lone(key) and not found[0])
        for found in _occurrences(key).finditer(words)
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
