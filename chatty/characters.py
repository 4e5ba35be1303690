"""Which characters of a text are seen by somebody who reads it. No I/O.

No table says which characters there are: one that is newer than this Python is
taken for one that is seen. Only those that Unicode has set aside to show
nothing are known, and where they shape the letters or emoji around them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

__all__ = ["hidden", "hides_something"]

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00013441\U00013442\U0001d159"
)  # fmt: skip
"""Letters, marks and symbols whose category does not say that nothing is seen of them."""

_PICTURE: Final = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
"""Blocks of emoji, with those that are still to come."""
_FLAG: Final = "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) for region in ("gbeng", "gbsct", "gbwls")
)
_SHAPERS: Final = (
    "[\ufe0e\ufe0f]"  # text or emoji: they come with every ❤️
    f"|(?<=[{_PICTURE}])\u200d(?=[{_PICTURE}])|(?<=[{_PICTURE}]\ufe0f)\u200d(?=[{_PICTURE}])"
    f"|(?<=\U0001f3f4)(?:{_FLAG})\U000e007f"
    "|(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]"  # forms of Mongolian letters
    "|(?<=[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]"  # variants of ideographs
)
"""What shows nothing by itself, and shapes what stands before it, where it may stand."""

_SELECTORS: Final = (("\u180b", "\u180f"), ("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef"))
_JOINERS: Final = "\u200c\u200d"
_VIRAMA: Final = 9
# ArabicShaping.txt of Unicode 18: letters that join on both sides, to the left alone, to the right alone.
_DUAL: Final = (
    "620 626 628 62A-62E 633-63F 641-647 649-64A 66E-66F 678-687 69A-6BF 6C1-6C2 6CC 6CE 6D0-6D1 6FA-6FC 6FF"
    " 712-714 71A-71D 71F-727 729 72B 72D-72E 74E-758 75C-76A 76D-770 772 775-777 77A-77F 7CA-7EA 841-845 848"
    " 84A-853 855 860 862-865 868 886 889-88D 88F 8A0-8A9 8AF-8B0 8B3-8B8 8BA-8C8 1807 1820-1878 1887-18A8 18AA"
    " A840-A871 10AC0-10AC4 10AD3-10AD6 10AD8-10ADC 10ADE-10AE0 10AEB-10AEE 10B80 10B82 10B86-10B88 10B8A-10B8B"
    " 10B8D 10B90 10BAD-10BAE 10D01-10D21 10D23 10EC3-10EC4 10EC6-10EC7 10F30-10F32 10F34-10F44 10F51-10F53"
    " 10F70-10F73 10F76-10F81 10FB0 10FB2-10FB3 10FB8 10FBB-10FBC 10FBE-10FBF 10FC1 10FC4 10FCA 1E900-1E943"
)
_LEFT: Final = "A872 10ACD 10AD7 10D00 10FCB"
_RIGHT: Final = (
    "622-625 627 629 62F-632 648 671-673 675-677 688-699 6C0 6C3-6CB 6CD 6CF 6D2-6D3 6D5 6EE-6EF 710 715-719 71E"
    " 728 72A 72C 72F 74D 759-75B 76B-76C 771 773-774 778-779 840 846-847 849 854 856-858 867 869-86A 870-882 88E"
    " 8AA-8AC 8AE 8B1-8B2 8B9 10AC5 10AC7 10AC9-10ACA 10ACE-10AD2 10ADD 10AE1 10AE4 10AEF 10B81 10B83-10B85 10B89"
    " 10B8C 10B8E-10B8F 10B91 10BA9-10BAC 10D22 10EC2 10F33 10F54 10F74-10F75 10FB4-10FB6 10FB9-10FBA 10FBD"
    " 10FC2-10FC3 10FC9"
)


def hides_something(text: str) -> bool:
    """Whether ``text`` has a character that nobody sees, where it shapes nothing either."""
    return any(True for _ in hidden(text))


def hidden(text: str) -> Iterator[int]:
    """Where ``text`` has a character that nobody sees, where it shapes nothing either."""
    if text.isascii() and text.isprintable():
        return
    shaping = {place for found in re.finditer(_SHAPERS, text) for place in range(*found.span())}
    for place, character in enumerate(text):
        if _is_unseen(character) and place not in shaping and not (character in _JOINERS and _joins(text, place)):
            yield place


def _is_unseen(character: str) -> bool:
    if character in _BLANK or any(first <= character <= last for first, last in _SELECTORS):
        return True
    category = unicodedata.category(character)
    if category == "Cn":
        return _is_never_assigned(ord(character))
    return category in _INVISIBLE


def _is_never_assigned(point: int) -> bool:
    """Whether nothing will ever be seen of an unassigned code point: it is set aside for that, or for no character."""
    set_aside = point == 0x2065 or 0xFFF0 <= point <= 0xFFF8 or 0xE0000 <= point <= 0xE0FFF
    return set_aside or 0xFDD0 <= point <= 0xFDEF or point & 0xFFFE == 0xFFFE


def _joins(text: str, place: int) -> bool:
    """Whether the joiner at ``place`` changes how the letters around it are written: RFC 5892, appendix A.1 and A.2."""
    if place and unicodedata.combining(text[place - 1]) == _VIRAMA:
        return True
    if text[place] != "\u200c":
        return False
    before, after = place - 1, place + 1
    while before >= 0 and _is_transparent(text[before]):
        before -= 1
    while after < len(text) and _is_transparent(text[after]):
        after += 1
    joins_left, joins_right = _joining()
    return before >= 0 and after < len(text) and text[before] in joins_left and text[after] in joins_right


def _is_transparent(character: str) -> bool:
    """Whether letters join over it."""
    return unicodedata.category(character) in ("Mn", "Me")


@cache
def _joining() -> tuple[frozenset[str], frozenset[str]]:
    """Letters that join with what follows, and with what stands before."""
    dual = _letters(_DUAL)
    return dual | _letters(_LEFT), dual | _letters(_RIGHT)


def _letters(spans: str) -> frozenset[str]:
    ends = (span.partition("-") for span in spans.split())
    return frozenset(
        chr(point) for first, _, last in ends for point in range(int(first, 16), int(last or first, 16) + 1)
    )
