"""Which names look alike."""

from __future__ import annotations

import unicodedata
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.names import BadName, check_name, compare_key, same
from chatty.skeletons import skeleton
from tests.confusables_table import FILE, table
from tests.support.spoofs import HELD, LEGITIMATE, OF_EACH, spoofs_of


def looks_like(one: str, other: str) -> bool:
    return skeleton(one) == skeleton(other)


def is_caught(spoof: str, name: str) -> bool:
    """Whether nobody can be called ``spoof`` beside ``name``."""
    try:
        checked = check_name(spoof, points=32)
    except BadName:
        return True
    return same(checked, name) or looks_like(checked, name)


@pytest.mark.parametrize("name", HELD)
def test_every_spoof_is_refused_or_looks_like_the_name_that_it_imitates(name: str) -> None:
    """Attack 2."""
    spoofs = spoofs_of(name)
    assert len(spoofs) >= OF_EACH
    assert [spoof for spoof in spoofs if not is_caught(spoof, name)] == []


def test_names_from_all_over_the_world_are_allowed_and_look_different() -> None:
    for name in LEGITIMATE:
        assert check_name(name, points=32) == name
    assert [pair for pair in combinations(LEGITIMATE, 2) if looks_like(*pair) or same(*pair)] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Ν is a capital N, and ν looks like v.
        ("Nova", "Νονα"), ("Nova", "Νόνα"), ("NINA", "ΝΙΝΑ"), ("Nina", "ΝΙΝΑ"), ("Vera", "νera"),
        ("Bob", "ВОВ"), ("Bob", "вов"), ("Mama", "мама"), ("Apple", "аррӏе"), ("Alice", "AIice"), ("Paul", "PauI"),
        ("Lisa", "Іisa"), ("Ivan", "lvan"), ("Lisa", "LISA"), ("Гоша", "гoшa"), ("Гоша", "ГOША"),
        ("Ada", "🅐🅓🅐"), ("Ada", "A d a"), ("Ada", "Ada 🚀"), ("Zoë", "Zoe"), ("Bjørn", "Bjorn"), ("O'Brien", "OʼBrien"),
        ("Ada", "A\u093cda"), ("ハナ", "ﾊﾅ"), ("राम", "रा\u0301म"), ("علي", "عَلِي"),
    ],
)  # fmt: skip
def test_names_that_people_take_for_each_other_look_alike(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O", "0"), ("l", "1"), ("m", "rn"), ("Ella", "Elia"), ("Bill", "Biil"), ("Mia", "Mla"), ("Ada", "Ada2"),
        ("ハナ", "バナ"), ("バナ", "パナ"), ("राम", "रमा"), ("김민수", "김민서"), ("😀", "😁"), ("!", "?"),
    ],
)  # fmt: skip
def test_names_that_people_can_tell_apart_stay_apart(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("Ada Lovelace II", "adalovelaceii"),
        ("MIA", "mia"), ("NIna", "nlna"), ("Mia", "mia"), ("Ina", "lna"), ("ina", "lna"), ("AI-Ice", "aiice"),
        ("a_1", "a1"), ("ʿAlī", "ali"), ("Mª", "ma"), ("Ж", "ж"), ("Ää\u0301Ä", "aaa"), ("हि\u093c", "हि\u093c"),
        ("\u093eAda", "ada"), ("Й", "ᴎ"), ("א\u05b0", "א"), ("ܐ\u0711", "ܐ"), ("क\u0338\u20dd\u0327", "क"),
        ("😀", "😀"), ("❤\ufe0f", "❤"), ("!!", "!!"), ("", ""),
    ],
)  # fmt: skip
def test_a_skeleton_is_letters_and_digits_in_small_and_a_name_without_any_is_its_own(name: str, looks: str) -> None:
    assert skeleton(name) == looks


@given(st.text(max_size=40))
def test_a_skeleton_is_empty_only_where_a_name_is_and_normal_forms_share_it(name: str) -> None:
    assert bool(skeleton(name)) == bool(compare_key(name))
    for form in ("NFC", "NFD"):
        assert skeleton(unicodedata.normalize(form, name)) == skeleton(name)


@given(st.text(st.characters(max_codepoint=0x7F), max_size=40).filter(lambda name: "I" not in name))
def test_in_plain_names_case_makes_no_difference(name: str) -> None:
    assert skeleton(name.lower()) == skeleton(name)


def test_the_table_is_what_the_package_of_confusables_has() -> None:
    assert FILE.read_text("utf-8") == table(), "make confusables writes it anew"


def test_a_plain_name_needs_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("chatty.skeletons._table")
    assert skeleton("Plain Name 2") == "plainname2"
