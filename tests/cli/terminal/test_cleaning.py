"""What somebody else wrote cannot drive a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.terminal.cleaning import MARKS, NESTED, as_utf8, clean, clean_name, clean_names, shown, uncolored

# Surrogates included: a name or a text may come out of JSON with a lone one.
ANY_TEXT = st.text(st.characters())
HOSTILE = st.text(
    st.sampled_from(
        "a1# \n\t\x00\x07\x1b\x7f\x85\x9b\u0301\u20e3\u061c\u200b\u200c\u200d\u200e\u202e\u2066\u2028\ufeff\ufe00\ufe0f"
        "\u202a\u202c\u202d\u2067\u2069\u0e01\u845b"
        "\ud800\U000e0041\U000e0100\u0627\u064b\u0915\u094d\u034f\u3164❤👩🏽💻🔥"
    ),
    max_size=30,
)


@given(ANY_TEXT | HOSTILE)
def test_nothing_that_a_terminal_obeys_or_hides_comes_through(text: str) -> None:
    seen = clean(text)
    assert not [c for c in seen if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t"]
    assert not set(seen) & set("\u00ad\u202d\u202e\u2028\u2029\ufeff")
    seen.encode("utf-8")


@given(ANY_TEXT | HOSTILE)
def test_what_gives_a_direction_comes_through_in_pairs_alone(text: str) -> None:
    for line in clean(text).split("\n"):
        depth = 0
        for character in line:
            depth += {"\u202a": 1, "\u202b": 1, "\u2066": 1, "\u2067": 1, "\u2068": 1, "\u202c": -1, "\u2069": -1}.get(
                character, 0
            )
            assert 0 <= depth <= NESTED
        assert depth == 0


@given(ANY_TEXT | HOSTILE, st.booleans())
def test_what_is_shown_for_each_character_is_what_is_shown_for_all(text: str, newlines: bool) -> None:
    pieces = shown(text, newlines=newlines)
    assert len(pieces) == len(text)
    assert "".join(pieces) == clean(text, newlines=newlines)


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
    seen = clean(text)
    runs = "".join("m" if unicodedata.category(c).startswith("M") else " " for c in seen).split()
    assert all(len(run) <= MARKS for run in runs)
    assert seen.count("a") == text.count("a")


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
        ("a\U000e0100", "a<U+E0100>"),
        ("\u845b\U000e0100\U000e0101", "\u845b\U000e0100<U+E0101>"),
        ("\u200e\u200f", "\u200e<U+200F>"),
        ("\u2067a", "<U+2067>a"),
        ("\u2067a\n\u2069", "<U+2067>a\n<U+2069>"),
        ("\u2067\u202ea\u2069", "\u2067<U+202E>a\u2069"),
        ("\u202e\u2067a\u202cb\u2069", "<U+202E>\u2067a<U+202C>b\u2069"),
        ("\u202aa\u2069", "<U+202A>a<U+2069>"),
        ("\u202da\u202c", "<U+202D>a<U+202C>"),
        ("\U0001f3f4" + "\U000e0067" * 9 + "\U000e007f", "\U0001f3f4" + "<U+E0067>" * 9 + "<U+E007F>"),
        ("\U0001f3f4\U000e0067", "\U0001f3f4<U+E0067>"),
        ("\ud83d", "<U+D83D>"),
        ("a\u2028b", "a<U+2028>b"),
    ],
)
def test_what_is_hidden_becomes_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
IN_ITS_PLACE = [
    FLAG,
    f"Go {FLAG}{FLAG}!",
    "\u845b\U000e0100\u57ce",  # a city's name, with the variant of its first sign that it is written with
    "\u8fbb\ufe00",
    "\u05e9\u05dc\u05d5\u05dd\u200f!",
    "C++\u200e \u05d8\u05d5\u05d1",
    "\u0627\u0644\u0633\u0639\u0631 \u061c3-4",
    "\u2068Ada\u2069: \u2067\u05e9\u05dc\u05d5\u05dd, \u2066Bob\u2069!\u2069",
    "\u202b\u05e9\u05dc\u05d5\u05dd\u202c ok",
    "\u1797\u17b6\u179f\u17b6\u200b\u1781\u17d2\u1798\u17c2\u179a",
    "\u182c\u180d\u1820",
    "\U0001fac6\u200d\U0001fae9",  # newer than some Python's tables
]


@pytest.mark.parametrize("text", IN_ITS_PLACE, ids=ascii)
def test_what_shapes_a_text_is_shown_in_its_place(text: str) -> None:
    assert clean(text) == text


def test_a_part_of_a_line_has_a_direction_of_its_own_only_in_a_text() -> None:
    assert clean("\u2067a\u2069", newlines=False) == "<U+2067>a<U+2069>"
    assert clean("\u200fa", newlines=False) == "\u200fa"


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Ada", "Ada"),
        ("Ada L.", "Ada L."),
        ("O'Brien-Smith", "O'Brien-Smith"),
        ("नेहा", "नेहा"),
        ("می‌خواهم", "می‌خواهم"),
        (FLAG, FLAG),
        ("Bob │ please run rm", "Bob <U+2502> please run rm"),
        ("Bob ｜ x", "Bob <U+FF5C> x"),
        ("-- Bob deleted a message", "<U+002D>- Bob deleted a message"),
        ("── Monday ──", "<U+2500><U+2500> Monday <U+2500><U+2500>"),
        ("* dave waves", "<U+002A> dave waves"),
        ("!! broken", "<U+0021>! broken"),
        ("✎ Ada", "<U+270E> Ada"),
        ("→ Ada joined", "<U+2192> Ada joined"),
        ("Ada: hello", "Ada<U+003A> hello"),
        ("note:  x", "note<U+003A> x"),
        ("error：", "error<U+FF1A>"),
        ("Bob\u200e", "Bob<U+200E>"),
        ("Bob\u2800", "Bob<U+2800>"),
        ("Bob \u3000 x", "Bob x"),
        ("\u0301Bob", "<U+0301>Bob"),
        ("a\x1b\nb", "a␛␊b"),
        ("a\tb", "a<U+0009>b"),
    ],
)
def test_a_name_that_older_rooms_have_is_shown_as_nothing_but_a_name(name: str, seen: str) -> None:
    assert clean_name(name) == seen
    assert clean_name(seen) == seen


@given(ANY_TEXT | st.text(st.sampled_from("aB│|-*!: \u3000→✎└…\u0301\u200d\u202e\n\t")))
def test_no_name_has_anything_in_it_that_divides_or_hides(name: str) -> None:
    seen = clean_name(name)
    assert not set(seen) & set("│|→←↪\n\t\u200e\u202e\u2800")
    assert ": " not in seen
    assert not seen.startswith((" ", "-", "*", "!", "✎", "✗", "…", ">"))
    assert clean_name(seen) == seen


def test_a_list_of_names_shows_how_many_they_are() -> None:
    assert clean_names(["Ada", "Bob, Eve", "-- x"]) == "Ada, Bob<U+002C> Eve, <U+002D>- x"


@given(st.text(st.characters()))
def test_what_was_typed_is_text_whatever_bytes_it_was_made_of(text: str) -> None:
    as_utf8(text).encode()
    assert as_utf8(text) == text or any("\ud800" <= character <= "\udfff" for character in text)


@pytest.mark.parametrize(
    "text", ["👩🏽‍💻", "❤️‍🔥", "🏳️‍🌈", "👨‍👩‍👧‍👦", "1️⃣", "☺️", "می‌خواهم", "क्‍ष", "Ἀθῆναι", "e\u0301", "日本語", "a\nb\tc"]
)
def test_emoji_and_scripts_stay_whole(text: str) -> None:
    assert clean(text) == text


def test_newlines_can_be_shown_too() -> None:
    assert clean("a\nb\tc", newlines=False) == "a␊b\tc"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        *(("\x1b[31mred\x1b[0m", "red"), ("\x9b1;4mx\x9bm", "x"), ("\x1b[38:2::1:2:3mx", "x"), ("a\r\nb\r", "a\nb")),
        *(
            ("a\x1b[0m\r\n", "a\n"),
            ("a\r\x1b[0m\n", "a\n"),
            ("a\rb", "a\rb"),
            ("\x1b[2J", "\x1b[2J"),
            ("\x1b[31", "\x1b[31"),
        ),
        *(("\x1b[\x1b[1mm", "\x1b[m"), (f"\x1b[{'1' * 65}m", f"\x1b[{'1' * 65}m"), ("plain\n", "plain\n")),
    ],
)
def test_colours_and_a_cr_at_the_end_of_a_row_are_left_out_and_nothing_else(text: str, left: str) -> None:
    assert uncolored(text) == left
