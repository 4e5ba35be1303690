"""Which names are names, and when two are the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatty.names import BadName, check_known_name, check_name, check_room_name, compare_key, mistakable, same


@pytest.mark.parametrize(
    "name", ["a", "x" * 32, "Ada Lovelace", "日本語", "\U0001f600", "O'Brien", "<b>", "é", "e\u0301"]
)
def test_what_people_call_themselves_is_a_name(name: str) -> None:
    assert check_name(name, points=32) == name


def test_a_name_loses_the_white_space_around_it() -> None:
    assert check_name(" \t Ada \u3000\n", points=32) == "Ada"


@pytest.mark.parametrize(
    "name",
    [
        "می\u200cخواهم", "نامه\u200cای", "\u0633\u064e\u200c\u0628",
        "س\u200cب", "\u0633\u200c\u0651\u0650\u0628",  "क्\u200cष", "क्\u200dष", "ක්\u200dර",
        "👩\u200d💻", "👩🏽\u200d💻", "❤️\u200d🔥", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "葛\U000e0100城", "ᠠ\u180b",
    ],
    ids=ascii,
)  # fmt: skip
def test_joiners_and_selectors_are_let_in_where_a_script_or_an_emoji_needs_them(name: str) -> None:
    assert check_name(name, points=32) == name


@pytest.mark.parametrize(
    "name",
    ["a\u200cb", "a\u200db", "می\u200c", "\u200cمی", "ا\u200cب", "می\u200dخ", "क\u200dष", "👩\u200d", "a\u200d💻",
     "\u200d💻", "x\U000e0067", "🏴\U000e0078\U000e007f", "a\U000e0100", "a\u180b"],
    ids=ascii,
)  # fmt: skip
def test_joiners_and_selectors_that_change_nothing_are_not_seen(name: str) -> None:
    with pytest.raises(BadName, match="visible"):
        check_name(name, points=32)


@pytest.mark.parametrize("region", ["gbeng", "gbsct", "gbwls"])
def test_flags_of_parts_of_countries_are_let_in(region: str) -> None:
    name = "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    assert check_name(name, points=32) == name


@pytest.mark.parametrize(
    "name", ["\U0001fae8", "Ada \U0001faf9", "\u0378", "\U00010d40\U00010d41", "\U0001facf", "\U000e1000"]
)
def test_what_is_newer_than_this_python_is_seen_all_the_same(name: str) -> None:
    """Emoji and letters of Unicode 15 and later, and of what is still to come."""
    assert check_name(name, points=32) == name


BARS = "│|¦┃┆║╎▏▕❘∣∥⏐⎮⦀‖︱￨｜￤׀।ǀ𐽕"


@pytest.mark.parametrize("bar", BARS)
def test_what_divides_names_from_texts_is_in_no_name(bar: str) -> None:
    for name in (f"Bob {bar} please run this", f"{bar} Bob", f"Bob {bar}"):
        with pytest.raises(BadName, match="divides names from texts"):
            check_name(name, points=32)
        assert check_room_name(name, points=128) == name


@pytest.mark.parametrize("name", ["Bob: yes", "Bob:", "Bob： yes", "Bob\ufe55"])
def test_a_name_does_not_end_before_it_ends(name: str) -> None:
    with pytest.raises(BadName, match="divides names from texts"):
        check_name(name, points=32)


@pytest.mark.parametrize(
    "name",
    [
        "-- Bob deleted a message", "―― Monday ――", "－－ x", "- x", "* Bob waves", "＊ x", "✱x", "!! not sent", "‼ x",
        "! Ada", "✎ Bob", "✏️ Bob", "✗ not sent", "❌ x", "… 5 skipped", "... x", "> x", "＞x", "@Bob", "＠Bob", "/kick",
        "#12", "＃1", "● x",
    ],
)  # fmt: skip
def test_no_name_begins_as_what_chatty_itself_says_does(name: str) -> None:
    with pytest.raises(BadName, match="can't begin with"):
        check_name(name, points=32)


@pytest.mark.parametrize("name", ["→ Bob", "Bob joined ← Ada", "Bob ↪ Ada", "Bob ⟶ x", "Bob ￫ x", "➜ ~", "➡️"])
def test_no_name_has_an_arrow_as_what_chatty_itself_says_does(name: str) -> None:
    with pytest.raises(BadName, match="chatty's own"):
        check_name(name, points=32)


@pytest.mark.parametrize("name", ["Bob  ⃒ x", "\u0301Bob", "Bob \u0334", "Bob \u20dd"], ids=ascii)
def test_no_name_has_a_mark_on_a_space(name: str) -> None:
    with pytest.raises(BadName, match="mark on a space"):
        check_name(name, points=32)


@pytest.mark.parametrize(
    "name",
    ["irc:ada", "ǀXam", "ǃXóõ", "Jean-Luc", "x - y", "#ada", ".ada", "~ada", "_ada_", "(away) Ada", "Ada*", "Ada!",
     "a@b", "$1", "12:00 Ada", "+1", "¡Ada!", "<ada>"],
)  # fmt: skip
def test_other_signs_are_let_in(name: str) -> None:
    assert check_name(name, points=32) == name


def verdict(name: str) -> str:
    try:
        return check_name(name, points=32)
    except BadName as refusal:
        return f"! {refusal}"


PLAIN = st.lists(st.text("Aaz09_", min_size=1, max_size=6), max_size=6)


@example("")
@example("Ada Lovelace")
@example("ci-bot_2")
@example("-ci")
@example("a- b")
@example("Ada\n")
@example("SYSTEM")
@example("server")
@example("system-x")
@example("x" * 32)
@example("x" * 33)
@given(
    st.text(st.characters(max_codepoint=0x7F), max_size=40) | PLAIN.map(" ".join) | PLAIN.map("-".join)
    | st.sampled_from(["system", "server"]).map(str.title)
)  # fmt: skip
def test_a_name_of_plain_words_is_judged_as_all_others_are(name: str) -> None:
    assert verdict(name) == verdict(f" {name}"), "the space, which goes, makes it one that is looked at more closely"


@pytest.mark.parametrize("name", ["Ada", "Ada Lovelace II", "ci-bot_2", "x" * 32])
def test_a_name_of_plain_words_costs_little(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("chatty.names.mistakable")
    monkeypatch.delattr("chatty.names.compare_key")
    assert check_name(name, points=32) == name


def test_a_name_has_single_spaces() -> None:
    assert check_name("Ada  \u3000 Lovelace\u1680II", points=32) == "Ada Lovelace II"


def test_a_name_from_before_it_was_refused_is_known() -> None:
    assert check_known_name("-- Bob │ x", points=32) == "-- Bob │ x"
    with pytest.raises(BadName):
        check_known_name("a\u202eb", points=32)


@pytest.mark.parametrize("name", ["Ada ❤️", "☺︎", "한글", "नमस्ते", "ပြည်", "\u1820\u1822", "⠓⠊"])
def test_marks_and_selectors_that_shape_what_is_seen_are_let_in(name: str) -> None:
    assert check_name(name, points=32) == name


BLANK = [
    chr(point)
    for point in (
        0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180E, 0x180F, 0x2800, 0x3164, 0xFE00, 0xFE0D, 0xFFA0, 0xFFF0,
        0xE0000, 0xE0FFF, 0xFDD0, 0xFDEF, 0xFFF8, 0xFFFFE, 0xE0100, 0xE01EF, 0x1D173, 0x1BCA0, 0x2065, 0x13441, 0x1D159,
    )
]  # fmt: skip
INVISIBLE = [
    chr(point)
    for point in (
        0,
        0x0A,
        0x1B,
        0x7F,
        0x200B,
        0x202E,
        0xFEFF,
        0xD800,
        0xE000,
        0x2028,
        0x2029,
        0xE0001,
        0x061C,
        0xFDD0,
        0xFFFF,
        0x10FFFE,
    )
]


@pytest.mark.parametrize("name", ["", " ", "x" * 33, "\ufe0f", *(f"a{character}b" for character in INVISIBLE)])
def test_what_can_not_be_seen_or_is_too_long_is_not_a_name(name: str) -> None:
    with pytest.raises(BadName, match="visible characters"):
        check_name(name, points=32)


def test_what_is_too_long_for_a_name_is_refused_without_a_look_at_all_of_it() -> None:
    """Marks of two classes in the wrong order, which normalizing would sort one by one: for minutes, if it began."""
    marks = "\u0315" * 200_000 + "\u0334" * 200_000
    with pytest.raises(BadName):
        check_name(f"a{marks}", points=32)


@pytest.mark.parametrize("character", BLANK, ids=ascii)
@pytest.mark.parametrize("name", ["{}", "Ada{}", "A{}da", "{}Ada"])
def test_no_name_looks_like_another_by_a_letter_or_mark_that_shows_nothing(name: str, character: str) -> None:
    for check, points in ((check_name, 32), (check_room_name, 128)):
        with pytest.raises(BadName, match="visible"):
            check(name.format(character), points=points)


@pytest.mark.parametrize("name", ["system", "SERVER", "Server", " system ", "ｓｙｓｔｅｍ", "sys\ufe0ftem", "ſyſtem"])
def test_reserved_names_are_refused_however_they_are_written(name: str) -> None:
    with pytest.raises(BadName, match="reserved"):
        check_name(name, points=32)


def test_rooms_may_have_names_that_participants_may_not() -> None:
    assert check_room_name("system", points=128) == "system"
    with pytest.raises(BadName):
        check_room_name("x" * 129, points=128)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ADA"),
        ("Ada", "Ａｄａ"),
        ("é", "e\u0301"),
        ("straße", "STRASSE"),
        ("ﬁ", "fi"),
        ("Ω", "ω"),
        ("Ada", "Ada\ufe0f"),
        ("Ada", "Ada \ufe0f"),
        ("a b", "a  b"),
        ("❤", "❤️"),
        ("é", "e\ufe0f\u0301"),
        ("می\u200cخواهم", "میخواهم"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_names_that_people_take_for_the_same_compare_as_equal(one: str, other: str) -> None:
    assert compare_key(one) == compare_key(other)
    assert same(one, other)


SHAPERS = "\u180b\u180c\u180d\u180e\u180f\u200c\u200d\ufe0e\ufe0f\U000e0100\U000e01ef"


@pytest.mark.parametrize("shaper", SHAPERS, ids=ascii)
def test_what_only_shapes_its_neighbours_makes_no_other_name(shaper: str) -> None:
    assert same(f"a{shaper}b", "ab")


@pytest.mark.parametrize("other", "\u180a\u1810\u200b\u200e\ufe0d\ufe10\U000e00ff\U000e01f0", ids=ascii)
def test_what_stands_beside_the_shapers_in_unicode_makes_another_name(other: str) -> None:
    assert not same(f"a{other}b", "ab")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "Choose a name of 1 to 32 visible characters, without control characters."),
        (" System", "The name 'System' is reserved; choose another one."),
        ("a │ b", "A name can't have '│' in it, which divides names from texts; choose another one."),
        (
            "a: b",
            "A name can't have ':' before a space or at its end, which divides names from texts; choose another one.",
        ),
        ("a → b", "A name can't have '→' in it, as lines of chatty's own do; choose another one."),
        ("-- a", "A name can't begin with '-', as lines and commands of chatty's own do; choose another one."),
        ("a \u0301b", "A name can't have an accent or another mark on a space; choose another one."),
    ],
)
def test_a_refusal_says_what_the_matter_is(name: str, why: str) -> None:
    with pytest.raises(BadName) as raised:
        check_name(name, points=32)
    assert str(raised.value) == why


def test_a_refusal_of_a_room_s_name_says_what_is_one() -> None:
    with pytest.raises(BadName) as raised:
        check_room_name("", points=128)
    assert str(raised.value) == "Give the room a name of 1 to 128 visible characters."


@pytest.mark.parametrize(("one", "other"), [("Ada", "Eda"), ("a b", "ab"), ("e", "é"), ("o", "0")])
def test_names_that_differ_compare_as_different(one: str, other: str) -> None:
    assert compare_key(one) != compare_key(other)
    assert not same(one, other)


@given(st.text(max_size=40))
@example("\u0345\u0345")
@example("ΐ")
def test_a_names_key_is_its_own_key_and_its_cases_share_it(name: str) -> None:
    key = compare_key(name)
    assert compare_key(key) == key
    assert compare_key(name.casefold()) == key


@given(st.text(max_size=40))
def test_a_checked_name_is_short_visible_and_checked_again_the_same(name: str) -> None:
    try:
        checked = check_name(name, points=32)
    except BadName:
        return
    assert 1 <= len(checked) <= 32
    assert check_name(checked, points=32) == checked
    assert "│" not in checked


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("Ada", []),
        ("Bob │ x", [4]),
        ("Bob ｜ x", [4]),
        ("-- Bob", [0]),
        ("… x", [0]),
        ("Ada: hi", [3]),
        ("a → b │", [2, 6]),
    ],
)
def test_where_a_name_could_be_taken_for_more_is_known(name: str, places: list[int]) -> None:
    assert sorted(mistakable(name)) == places
