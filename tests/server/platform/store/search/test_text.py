"""Texts that people consider the same are equal to a search, and different words stay different."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatty.server.platform.store.search.text import TOKENIZE, fold, terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Käse", "KASE"), ("Łódź", "lodz"), ("Ørsted", "orsted"), ("Straße", "STRASSE"), ("đà", "DA"), ("Ærø", "aero"),
        ("İstanbul", "ISTANBUL"), ("ısparta", "Isparta"), ("Þórður", "thordur"), ("cœur", "coeur"), ("Việt", "viet"),
        ("ǿ", "o"), ("ħ", "h"), ("ﬁle", "file"), ("ｘ²", "x2"), ("①", "1"), ("soft\u00adware", "software"),
        ("Αθήνα", "ΑΘΗΝΑ"), ("ΰ", "Υ"), ("λόγος", "ΛΟΓΟΣ"),
        ("ёлка", "ЕЛКА"), ("ѐѝ", "еи"), ("علی", "علي"), ("за\u0301мок", "замок"),
        ("שָׁלוֹם", "שלום"), ("مُحَمَّد", "محمد"), ("أحمد", "احمد"), ("می\u200cخواهم", "میخواهم"), ("کتاب", "كتاب"),
        ("한글", unicodedata.normalize("NFD", "한글")), ("ガス", unicodedata.normalize("NFD", "ガス")), ("ｶﾞｽ", "ガス"),
        ("क़लम", "क\u093cलम"), ("१२", "12"), ("١٢٣", "123"),
    ],
)  # fmt: skip
def test_case_form_and_accents_make_no_difference(one: str, other: str) -> None:
    assert terms(fold(one)) == terms(fold(other)) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("कि", "का"),
        ("नेकी", "नक"),
        ("ไม้", "ไม่"),
        ("ガ", "カ"),
        ("мой", "мои"),
        ("її", "іі"),
        ("க", "கி"),
        ("က", "ကို"),
        ("ক", "কী"),
    ],
)
def test_a_mark_that_makes_another_letter_counts(one: str, other: str) -> None:
    assert terms(fold(one)) != terms(fold(other))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a-b_c", ["a", "b", "c"]),
        ("don’t—stop…now", ["don", "t", "stop", "now"]),
        ("🎉party\U0001fae8time", ["party", "time"]),
        ("का मतलब", ["का", "मतलब"]),
        ("日本語", ["日", "本", "語"]),
        ("日本2024年abc", ["日", "本", "2024", "年", "abc"]),
        ("ไม่ได้", ["ไ", "ม่", "ไ", "ด้"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("ひらがな、カタカナ。", list("ひらがなカタカナ")),
        ("a\u200bb", ["a", "b"]),
        ("\u0378x", ["\u0378x"]),
        ("🎉 … ！", []),
        ("", []),
    ],
)
def test_signs_part_words_and_scripts_without_spaces_part_at_each_letter(text: str, found: list[str]) -> None:
    assert terms(fold(text)) == found


@given(st.text(max_size=60))
@example("ᾳ")
@example("\u0345")
@example("Ǆ")
@example("ϓ")
def test_folding_twice_changes_nothing_and_every_normal_form_folds_the_same(text: str) -> None:
    folded = fold(text)
    assert terms(fold(folded)) == terms(folded)
    for form in ("NFC", "NFD"):
        assert terms(fold(unicodedata.normalize(form, text))) == terms(folded)


@pytest.fixture(scope="module")
def tokenizer() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = '{TOKENIZE}')")
        db.execute("CREATE VIRTUAL TABLE found USING fts5vocab('texts', 'instance')")
        yield db


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
@example(text="FOO-Bar_9 baz\x7f\x80\x01x")
def test_the_index_finds_the_same_terms(tokenizer: sqlite3.Connection, text: str) -> None:
    """Also in ASCII, which it gets as it is."""
    tokenizer.execute("DELETE FROM texts")
    tokenizer.execute("INSERT INTO texts VALUES (?)", (text if text.isascii() else fold(text),))
    found = tokenizer.execute("SELECT term FROM found ORDER BY offset").fetchall()
    assert [term for (term,) in found] == terms(fold(text))


@pytest.mark.parametrize("marks", ["\u0315\u0334", "\u094d\u093c", "\u05bc\u05b0"])
def test_marks_in_the_wrong_order_do_not_take_long(marks: str) -> None:
    """Normalizing would sort them one by one: for minutes."""
    first, second = marks[0], marks[1]
    assert fold(f"x{first * 200_000}{second * 200_000} y").endswith("y")


def test_a_text_that_folding_makes_longer_is_cut() -> None:
    assert len(fold("ﷺ" * 5_000)) < 40_000
