"""Which names are names, and when two of them are the same: one rule for the server, the library and the commands.

This module knows nothing: no I/O, no server, no client. A command that only compares names pays for nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from chatty.characters import hides_something

__all__ = [
    "RESERVED",
    "BadName",
    "check_known_name",
    "check_name",
    "check_room_name",
    "compare_key",
    "mistakable",
    "same",
    "unshaped",
]

_SHORT: Final = 64
"""Characters of a text whose form is remembered: those of names."""
RESERVED: Final = frozenset({"server", "system"})
"""Names that nobody may have, in the form of `compare_key`."""

_SHAPERS: Final = str.maketrans(
    dict.fromkeys(map(chr, (*range(0x180B, 0x1810), 0x200C, 0x200D, 0xFE0E, 0xFE0F, *range(0xE0100, 0xE01F0))), "")
)
"""Characters that show nothing, and only shape what stands beside them: ❤ and ❤️ are one name."""

_PLAIN: Final = r"[A-Za-z0-9_]+(?:[ -][A-Za-z0-9_]+)*"
"""Most names. They hide nothing, can't be mistaken for anything, and compare in lower case."""

_BARS: Final = (
    r"[|\u00a6\u2016\u205e\u2223\u2225\u239c\u239f\u23a2\u23a5\u23aa\u23ae\u23b8\u23b9\u23d0\u23fd\u2500-\u259f\u25ae"
    r"\u25af\u2758-\u275a\u2980\u2999\u299a\u2af4\u2afc\u2afe\u2aff\u2e3d\u2e3e\ufe31-\ufe34\U00010f55\U00010f86"
    r"\U0001fb00-\U0001fbaf]"
    # Letters and punctuation that look like one when they stand alone.
    r"|(?<!\S)[\u01c0\u01c1\u05c0\u0964\u0965\u16c1\u2d4f\u3021\u3163\u31d1\u4e28](?!\S)"
)
"""``│``, which stands between a name and a text, and all that looks like it."""
_COLON: Final = r":(?=\s|$)"
_ARROWS: Final = (
    r"[\u2190-\u21ff\u2794\u2798-\u27af\u27b1-\u27be\u27f0-\u27ff\u2900-\u297f\u2b00-\u2b11\u2b30-\u2b4f\u2b5a-\u2bb8"
    r"\U0001f800-\U0001f8ff]"
)
_BEGINNINGS: Final = (
    r"^(?:[-\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u23af\u2e17\u2e1a\u2e3a-\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    r"\ufe58\U00010ead]"
    r"|[*\u066d\u204e\u2055\u2217\u2731-\u2733]|[!\u2755\u2757]|[\u270e-\u2710\U0001f589]|[\u2715-\u2718\u274c]"
    r"|\.\.|[>@/\u25cb\u25cf]|#(?=\d))"
)
"""What lines of chatty's own begin with (``--``, ``*``, ``!``, ``✎``, ``✗``, ``…``, ``>``), commands, and numbers."""
_VOUCHED: Final = (
    r"[\u221a\u237b\u2611\u26e8\u2705\u2713\u2714\U00010102\U0001f5f8\U0001f5f9\U0001f6e1]"
    r"|(?<!\S)\uaa9c(?!\S)"  # a letter of Tai Viet
)
"""``✓``, which stands beside verified names, and all that looks like it or like a shield."""
_MISTAKABLE: Final = {
    _BARS: "have {} in it, which divides names from texts",
    _COLON: "have {} before a space or at its end, which divides names from texts",
    _ARROWS: "have {} in it, as lines of chatty's own do",
    _BEGINNINGS: "begin with {}, as lines and commands of chatty's own do",
    _VOUCHED: "have {} in it, which looks as if the server had verified it",
}
"""Why some names could be taken for something else. The patterns are compiled when the first name is checked."""

# Not ʻ and ʼ and those beside them, which Hawaiian, Ukrainian and others write, nor the letters that Azerbaijani and
# languages of Africa have taken over from phonetic alphabets.
_PHONETIC: Final = (
    "[\u0250\u0252\u0255\u0258\u025a\u025c-\u025f\u0261\u0262\u0264\u0267\u026a\u026c-\u026e\u0270\u0271\u0273\u0274"
    "\u0276-\u0282\u0284-\u0287\u028d-\u0291\u0293\u0295-\u02ba\u02c0-\u02ed\u02ef-\u02ff\u1d00-\u1dbf\u2071\u207f"
    "\u2090-\u209c\u2c7b-\u2c7d\ua69c\ua69d\ua700-\ua721\ua730\ua731\ua770\ua776\ua788-\ua78a\ua7ae\ua7af\ua7f2-\ua7f4"
    "\ua7f8-\ua7fa\uab30-\uab6f\U00010780-\U000107bf\U0001df00-\U0001dfff\U0001e030-\U0001e06d]"
)
"""Modifier letters, small capitals and other letters of phonetic alphabets. Nobody's name needs them."""


class BadName(ValueError):
    """This can't be a name; the text says why, and what can."""


def compare_key(name: str) -> str:
    """The form in which two names that people take for the same are equal (NFKC and case folding, Unicode 3.13).

    White space that nobody sees or counts makes no difference either.
    """
    return _short_key(name) if len(name) <= _SHORT else _key(name)


@lru_cache(1024)
def _short_key(name: str) -> str:
    """Of a name the form is asked for again and again."""
    return _key(name)


def _key(name: str) -> str:
    seen = unicodedata.normalize("NFKC", unshaped(name)).casefold()
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def unshaped(name: str) -> str:
    """``name`` without the characters that show nothing."""
    return name.translate(_SHAPERS)


def same(one: str, other: str) -> bool:
    """Whether two names are the same. Whatever else people may write in their own way is compared like that, too."""
    return one == other or compare_key(one) == compare_key(other)


def check_name(name: str, *, points: int) -> str:
    """A participant's name, with single spaces and none around it. ``points`` is the limit in code points.

    Raises BadName, also for what could be taken for something else than a name
    where it stands before a text.
    """
    # The length first: a stranger chose it. All that follows comes to the same for these names, in fifty times as long.
    if len(name) <= points and re.fullmatch(_PLAIN, name) and name.lower() not in RESERVED:
        return name
    checked = " ".join(check_known_name(name, points=points).split())
    if compare_key(checked) in RESERVED:
        raise BadName(f"The name {checked!r} is reserved; choose another one.")
    for why in mistakable(checked).values():
        raise BadName(f"A name can't {why}; choose another one.")
    if phonetic := re.search(_PHONETIC, checked):
        raise BadName(f"A name can't have {phonetic[0]!r} in it, a letter of phonetic alphabets; choose another one.")
    return checked


def mistakable(name: str) -> dict[int, str]:
    """Where ``name`` could be taken for something else than a name if it stood before a text, and why."""
    places: dict[int, str] = {}
    for looks in (list(name), [unicodedata.normalize("NFKC", character) for character in name]):
        owners = [place for place, look in enumerate(looks) for _ in look]
        for pattern, why in _MISTAKABLE.items():
            for found in re.finditer(pattern, "".join(looks)):
                for place in range(*found.span()):
                    places.setdefault(owners[place], why.format(repr(found[0])))
    return places


def check_known_name(name: str, *, points: int) -> str:
    """A name that somebody may have who is asked for: names could once be mistaken for more. Raises BadName."""
    return _check(name, points, f"Choose a name of 1 to {points} visible characters, without control characters.")


def check_room_name(name: str, *, points: int) -> str:
    """A room's name, trimmed; it may look like anything. Raises BadName."""
    return _check(name, points, f"Give the room a name of 1 to {points} visible characters.")


def _check(name: str, points: int, advice: str) -> str:
    trimmed = name.strip()
    # The length first: to normalize many combining marks takes time that grows with the square of their number.
    if len(trimmed) > points or hides_something(trimmed) or not compare_key(trimmed):
        raise BadName(advice)
    if any(unicodedata.category(word[0]) in ("Mn", "Me") for word in trimmed.split()):
        raise BadName("A name can't have an accent or another mark on a space; choose another one.")
    return trimmed
