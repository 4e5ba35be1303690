"""What is remembered of messages, to tell what others are about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.terminal.cleaning import clean, clean_name
from chatty.cli.terminal.quotes import BEGINNING, Quotes
from chatty.events import Message, MessageDeleted, MessageEdited

NOON = "2026-11-23T12:00:00.000Z"


def test_a_message_is_known_by_who_said_it_and_its_beginning_on_one_line() -> None:
    quotes = Quotes()
    assert quotes.note(Message(1, NOON, "alice", "one\n\n  two"))
    assert quotes.about(1) == "alice: one two"
    assert quotes.about(2) == "#2"


def test_a_long_text_is_cut_and_says_so() -> None:
    quotes = Quotes()
    quotes.note(Message(1, NOON, "alice", "x" * 16_384))
    assert quotes.about(1) == f"alice: {'x' * BEGINNING}…"


def test_only_the_newest_are_remembered() -> None:
    quotes = Quotes(most=3)
    for seq in range(1, 6):
        quotes.note(Message(seq, NOON, "alice", str(seq)))
    assert [quotes.about(seq) for seq in range(1, 6)] == ["#1", "#2", "alice: 3", "alice: 4", "alice: 5"]


def test_a_change_is_news_once() -> None:
    quotes = Quotes()
    quotes.note(Message(1, NOON, "alice", "new", edited=5))
    assert not quotes.note(MessageEdited(4, NOON, "alice", 1, "old"))
    assert quotes.about(1) == "alice: new"
    assert quotes.note(MessageEdited(6, NOON, "alice", 1, "newer"))
    assert quotes.about(1) == "alice: newer"
    assert quotes.note(MessageDeleted(7, NOON, "alice", 1))
    assert not quotes.note(MessageDeleted(7, NOON, "alice", 1))
    assert quotes.about(1) == "alice: (deleted)"


def test_a_change_of_what_was_never_shown_is_news() -> None:
    assert Quotes().note(MessageEdited(2, NOON, "alice", 1, "new"))
    assert Quotes().note(MessageDeleted(2, NOON, "alice", 1))


@given(st.text(), st.text())
def test_what_is_told_is_safe_to_show_and_one_short_line(text: str, name: str) -> None:
    quotes = Quotes()
    quotes.note(Message(1, NOON, name, text))
    about = quotes.about(1)
    assert clean(about, newlines=False) == about
    assert "\t" not in about
    assert len(about) <= len(clean_name(name)) + 2 + BEGINNING + 1


@pytest.mark.parametrize(
    "sign", ["👩\u200d🚀", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "❤️", "🇸🇪"]
)
def test_a_text_is_never_cut_within_a_sign(sign: str) -> None:
    quotes = Quotes()
    quotes.note(Message(1, NOON, "alice", "x" * (BEGINNING - 1) + f"{sign} and more"))
    assert quotes.about(1) == f"alice: {'x' * (BEGINNING - 1)}…"
    quotes.note(Message(2, NOON, "alice", "x" * (BEGINNING - len(sign)) + f"{sign} and more"))
    assert quotes.about(2) == f"alice: {'x' * (BEGINNING - len(sign))}{sign}…"


def test_a_name_that_looks_like_more_is_quoted_as_a_name() -> None:
    quotes = Quotes()
    quotes.note(Message(1, NOON, "Bob: yes │ Ada", "no"))
    assert quotes.about(1) == "Bob<U+003A> yes <U+2502> Ada: no"
