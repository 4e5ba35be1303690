"""When somebody is spoken of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.join.mentions import is_mention


@pytest.mark.parametrize(
    "text",
    [
        *("@John ping", "john: ping", "JOHN", "ask John, please", "(john)", "is it john's?", "**john**", "hi\njohn"),
        *("thanks john.", "john?!", "@\uff2aohn", "\u201cjohn\u201d", "john - are you there"),
    ],
)
def test_a_name_as_a_word_of_its_own_is_a_mention(text: str) -> None:
    assert is_mention(text, "John")


@pytest.mark.parametrize(
    "text", ["johnny", "bigjohn", "dave@john.example", "john@example.org", "john-smith", "x_john", "elton-john", ""]
)
def test_a_name_within_another_word_is_none(text: str) -> None:
    assert not is_mention(text, "John")


@pytest.mark.parametrize("name", ["Ada L.", "[bot]", "c++", "日本", "@home", "a.b", "né", "*"])
def test_any_name_can_be_mentioned(name: str) -> None:
    assert is_mention(f"hello {name}, are you there", name)
    assert is_mention(f"@{name}: are you there", name)
    assert is_mention(name.upper(), name.lower())


def test_a_name_is_no_pattern() -> None:
    assert not is_mention("axb", "a.b")


def test_nobody_is_never_mentioned() -> None:
    assert not is_mention("anything", "")


@given(st.text(), st.text())
def test_any_text_and_name_have_an_answer(text: str, name: str) -> None:
    assert is_mention(text, name) in (True, False)
