"""Emoji by their short names, as people type them: ``:tada:`` is 🎉."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["emoji_names", "names_like", "replace_shortcodes", "unknown_name", "with_emoji"]

_SHORTCODE: Final = re.compile(r":([a-z0-9_+-]+):")
_TEXT: Final = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[^`\n]*$(?s:.*?)(?:^ {0,3}(?P=fence)[`~]* *$|\Z)"  # a block of code
    r"|(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"  # code in a line
    r"|https?://\S+"
    r"|(?<![\w:/])(?P<names>(?::[a-z0-9_+-]+:)+)(?![\w:/])",  # neither std::art::x nor /v1/:id:/
    re.MULTILINE,
)


@cache
def emoji_names() -> dict[str, str]:
    """The emoji of each short name, without its colons. ``make emoji`` writes the table that this reads when asked."""
    names = {}
    for line in Path(__file__).with_name("emoji_names.txt").read_text("utf-8").splitlines():
        emoji, *its_names = line.split(" ")
        names.update(dict.fromkeys(its_names, emoji))
    return names


def names_like(part: str) -> list[str]:
    """The names that contain ``part``: first those that begin so, and of both the shortest first."""
    found = [name for name in emoji_names() if part in name]
    return sorted(found, key=lambda name: (not name.startswith(part), len(name), name))


def replace_shortcodes(text: str) -> str:
    """``text`` with the emoji in place of each ``:name:`` that is known; everything else stays as it is."""
    return _SHORTCODE.sub(lambda found: emoji_names().get(found[1], found[0]), text)


def with_emoji(text: str) -> str:
    """``text`` as it is sent: as `replace_shortcodes` makes it, but for code, addresses and names within words."""
    if ":" not in text:
        return text
    return _TEXT.sub(lambda found: replace_shortcodes(found[0]) if found["names"] else found[0], text)


def unknown_name(text: str) -> str:
    """Words that say that ``text`` is the ``:name:`` of no emoji, with names that are like it; empty if it is none."""
    found = _SHORTCODE.fullmatch(text)
    if not found or found[1] in emoji_names():
        return ""
    near = get_close_matches(found[1], emoji_names(), n=3, cutoff=0.75) or names_like(found[1])[:3]
    meant = " or ".join(f":{name}:" for name in near)
    return f"no emoji {text}" + (f". Did you mean {meant}?" if meant else "; Tab completes a name that begins with :")
