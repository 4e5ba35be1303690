"""What somebody else wrote cannot drive a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.terminal.cleaning import MARKS, clean

# Surrogates included: a name or a text may come out of JSON with a lone one.
ANY_TEXT = st.text(st.characters())
HOSTILE = st.text(
    st.sampled_from(
        "a1# \n\t\x00\x07\x1b\x7f\x85\x9b\u0301\u20e3\u061c\u200b\u200c\u200d\u200e\u202e\u2066\u2028\ufeff\ufe00\ufe0f"
        "\ud800\U000e0041\U000e0100\u0627\u064b\u0915\u094d\u034f\u3164❤👩🏽💻🔥"
    ),
    max_size=30,
)


@given(ANY_TEXT | HOSTILE)
def test_nothing_that_a_terminal_obeys_or_hides_comes_through(text: str) -> None:
    shown = clean(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t"]
    assert not set(shown) & set("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    assert not [c for c in shown if 0xE0000 <= ord(c) <= 0xE0FFF]
    shown.encode("utf-8")


@given(ANY_TEXT | HOSTILE, st.booleans())
def test_cleaning_twice_is_cleaning_once(text: str, newlines: bool) -> None:
    once = clean(text, newlines=newlines)
    assert clean(once, newlines=newlines) == once


@given(ANY_TEXT | HOSTILE)
def test_one_line_stays_one_line(text: str) -> None:
    assert len(clean(text, newlines=False).splitlines()) <= 1


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u115f\u1160\u3164\uffa0")))
def test_what_can_be_read_is_left_alone(text: str) -> None:
    assert clean(text) == text


@given(st.text(st.sampled_from("a\u0301\u0302\u20dd"), max_size=40))
def test_no_character_carries_more_than_four_marks(text: str) -> None:
    shown = clean(text)
    runs = "".join("m" if unicodedata.category(c).startswith("M") else " " for c in shown).split()
    assert all(len(run) <= MARKS for run in runs)
    assert shown.count("a") == text.count("a")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\rb\x08c\x0bd\x0ce", "a␍b␈c␋d␌e"),
        ("\x00\x7f", "␀␡"),
        ("\x9b2J\x85", "<U+009B>2J<U+0085>"),
        ("abc\u202efdp.exe", "abc<U+202E>fdp.exe"),
        ("pay\u200bpal", "pay<U+200B>pal"),
        ("1\u200d2", "1<U+200D>2"),
        ("a\ufe0f", "a<U+FE0F>"),
        ("\U0001f3f4\U000e0067", "\U0001f3f4<U+E0067>"),
        ("\ud83d", "<U+D83D>"),
        ("a\u2028b", "a<U+2028>b"),
    ],
)
def test_what_is_hidden_becomes_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    "text", ["👩🏽‍💻", "❤️‍🔥", "🏳️‍🌈", "👨‍👩‍👧‍👦", "1️⃣", "☺️", "می‌خواهم", "क्‍ष", "Ἀθῆναι", "e\u0301", "日本語", "a\nb\tc"]
)
def test_emoji_and_scripts_stay_whole(text: str) -> None:
    assert clean(text) == text


def test_newlines_can_be_shown_too() -> None:
    assert clean("a\nb\tc", newlines=False) == "a␊b\tc"
