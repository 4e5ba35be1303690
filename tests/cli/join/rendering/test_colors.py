"""Whatever the client shows in a colour can be read, also where a theme uses some of the sixteen for backgrounds.

Solarized is such a theme, on a dark ground and on a light one. Text should have a contrast of 4.5 (WCAG 2, level AA).
Solarized's own accents have down to 2.9 by design, and people who chose it read these. The greys that it has for
grounds, and for what is to recede, have less on one ground or on both, and the client uses none of them: a hint is dim
instead, which terminals derive from the colour of all other text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import _EscapeCodeCache
from prompt_toolkit.styles import Style as PromptStyle

import chatty.cli
from chatty.cli.join.rendering.markdown import CODE_STYLES
from chatty.cli.join.rendering.view import COLORS
from tests.cli.join.contrast import contrast

SOLARIZED: Final = {
    "black": "073642", "red": "dc322f", "green": "859900", "yellow": "b58900",
    "blue": "268bd2", "magenta": "d33682", "cyan": "2aa198", "white": "eee8d5",
    "bright_black": "002b36", "bright_red": "cb4b16", "bright_green": "586e75", "bright_yellow": "657b83",
    "bright_blue": "839496", "bright_magenta": "6c71c4", "bright_cyan": "93a1a1", "bright_white": "fdf6e3",
}  # fmt: skip
GROUNDS: Final = {"dark": "002b36", "light": "fdf6e3"}
LEAST: Final = 2.9


def used() -> set[str]:
    """Every colour that the client's code names."""
    names = "|".join(sorted(SOLARIZED, key=len, reverse=True))
    word = re.compile(rf'"(?:(?:bold|dim|underline|italic) )*({names})"|\bansi((?:bright)?[a-z]+)')
    found = set()
    for path in Path(chatty.cli.__file__).parent.rglob("*.py"):
        for rich, prompt in word.findall(path.read_text("utf-8")):
            found.add(rich or re.sub("^bright(?=.)", "bright_", prompt))
    return found


def test_the_client_names_the_colours_that_are_measured_here() -> None:
    of_code = {style.color.name for style in CODE_STYLES.values() if style.color}
    assert {*COLORS, *of_code} <= used() <= set(SOLARIZED)


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_of_the_client_can_be_read_in_solarized(ground: str) -> None:
    measured = {name: round(contrast(SOLARIZED[name], GROUNDS[ground]), 2) for name in used()}
    assert {name: ratio for name, ratio in measured.items() if ratio < LEAST} == {}


def test_the_measure_would_see_a_colour_that_can_hardly_be_read() -> None:
    unread = {name for name in SOLARIZED if min(contrast(SOLARIZED[name], on) for on in GROUNDS.values()) < LEAST}
    assert unread == {"black", "white", "bright_black", "bright_white", "bright_green", "bright_cyan"}


def test_the_prompt_knows_dim() -> None:
    attributes = PromptStyle([]).get_attrs_for_style_str("fg:default dim")
    assert "2" in _EscapeCodeCache(ColorDepth.DEPTH_4_BIT)[attributes].strip("\x1b[m").split(";")
