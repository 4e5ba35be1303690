"""Emoji by their short names, as people type them: ``:tada:`` is 🎉."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["emoji_names", "replace_shortcodes"]

_SHORTCODE: Final = re.compile(r":([a-z0-9_+-]+):")


@cache
def emoji_names() -> dict[str, str]:
    """The emoji of each short name, without its colons. ``make emoji`` writes the table that this reads when asked."""
    names = {}
    for line in Path(__file__).with_name("emoji_names.txt").read_text("utf-8").splitlines():
        emoji, *its_names = line.split(" ")
        names.update(dict.fromkeys(its_names, emoji))
    return names


def replace_shortcodes(text: str) -> str:
    """``text`` with the emoji in place of each ``:name:`` that is known; everything else stays as it is."""
    return _SHORTCODE.sub(lambda found: emoji_names().get(found[1], found[0]), text)
