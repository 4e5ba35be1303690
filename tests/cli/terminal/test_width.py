"""No terminal gives a text more columns than it is measured to have."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.terminal.cleaning import clean
from chatty.cli.terminal.width import clip, clusters, width
from tests.cli.terminal.scripts import TEXTS
from tests.support.tmux import Tmux

POINTS = [
    point
    for point in range(0xA0, 0x30000)
    if unicodedata.category(chr(point)) not in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
]

MEASURE = """
import json, os, re, sys, tty
points = json.load(open(sys.argv[1]))
tty.setraw(0)
columns = []
for start in range(0, len(points), 200):
    some = points[start : start + 200]
    sys.stdout.write("".join(f"\\r\\x1b[K{chr(point)}\\x1b[6n" for point in some))
    sys.stdout.flush()
    answers = b""
    while answers.count(b"R") < len(some):
        answers += os.read(0, 65_536)
    columns += [int(column) - 1 for column in re.findall(rb"\\x1b\\[\\d+;(\\d+)R", answers)]
json.dump(columns, open(sys.argv[2], "w"))
"""


def test_tmux_gives_no_character_more_columns(tmp_path: Path) -> None:
    """It is asked where its cursor is behind each of them."""
    program, points, columns = (tmp_path / name for name in ("measure.py", "points", "columns"))
    program.write_text(MEASURE)
    points.write_text(json.dumps(POINTS))
    with Tmux(tmp_path, "") as tmux:
        done = f"tmux -S {tmp_path}/tmux wait-for -S done"
        measure = f"{sys.executable} {program} {points} {columns}"
        tmux("new-session", "-d", "-x", "80", "-y", "24", f"{measure}; {done}")
        tmux("wait-for", "done")
    shown = dict(zip(POINTS, json.loads(columns.read_text()), strict=True))
    assert sum(taken == 2 for taken in shown.values()) > 50_000  # it was asked, and knows wide characters
    assert [f"U+{point:04X}" for point, taken in shown.items() if taken > width(chr(point))] == []


def test_neither_the_c_library_nor_wcwidth_gives_a_character_more_columns() -> None:
    """The terminals that don't have tables of their own ask the first, and prompts and some terminals the second."""
    program = (
        "import ctypes, json, locale, sys; locale.setlocale(locale.LC_ALL, 'C.UTF-8'); c = ctypes.CDLL(None);"
        "json.dump([c.wcwidth(point) for point in json.load(sys.stdin)], sys.stdout)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(POINTS), capture_output=True, text=True, check=True
    )
    for point, taken in zip(POINTS, json.loads(asked.stdout), strict=True):
        assert taken <= width(chr(point)), f"U+{point:04X}"
        assert wcwidth.wcwidth(chr(point)) <= width(chr(point)), f"U+{point:04X}"


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("日本", 4),
        ("\u0903", 1),  # a spacing mark: wcwidth says 0
        ("\u302e", 2),
        ("🏽", 2),  # a skin tone alone: rich says 0
        ("👍🏽", 4),  # where it is not joined
        ("👩\u200d💻", 4),
        ("❤\ufe0f", 2),
        ("❤", 1),
        ("🇸🇪", 4),
        ("1\ufe0f\u20e3", 2),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", 2),
        ("葛\U000e0100", 2),
        ("\u200fa", 1),
        ("\U0001fac6", 2),  # an emoji that is newer than some Python's tables
        ("\u2fe0", 2),  # no character yet, and perhaps a wide one
        ("␛", 1),
        ("<U+202E>", 8),
    ],
)
def test_a_text_has_the_columns_of_the_terminal_that_gives_it_the_most(text: str, columns: int) -> None:
    assert width(text) == columns


def test_a_mark_that_is_new_to_terminals_may_have_a_column_of_its_own() -> None:
    assert width("a\u1abf") == 2
    assert width("a\U0001e08f") >= 2


@given(TEXTS)
def test_pieces_that_belong_together_are_the_whole_text(text: str) -> None:
    text = clean(text, newlines=False)
    pieces = list(clusters(text))
    assert "".join(pieces) == text
    assert "" not in pieces
    assert all(unicodedata.category(piece[0]) not in ("Mn", "Me", "Mc") for piece in pieces[1:])


@pytest.mark.parametrize("sign", ["e\u0301", "👩\u200d💻", "👍🏽", "🇸🇪", "❤\ufe0f", "क्ष"[:2], "葛\U000e0100"])
def test_what_belongs_together_is_one_piece(sign: str) -> None:
    assert list(clusters(f"a{sign}{sign}b")) == ["a", sign, sign, "b"]


@given(TEXTS, st.integers(1, 40))
def test_what_is_clipped_fits_and_says_so(text: str, columns: int) -> None:
    text = clean(text, newlines=False)
    clipped = clip(text, columns)
    assert width(clipped) <= columns
    assert clipped == text or (clipped.endswith("…") and text.startswith(clipped[:-1]))
