"""Checks of names, reactions and texts."""

from __future__ import annotations

import pytest

from chatty.server.business.entries import Rejection
from chatty.server.business.names import check_known_name, check_name, check_reaction, check_room_name, check_text


def test_an_invalid_name_is_refused_with_the_reason() -> None:
    refused = [check_name("a\nb", points=32), check_name("system", points=32), check_room_name("a\nb", points=128)]
    assert all(isinstance(one, Rejection) and one.code == "name_invalid" for one in refused)
    assert len(set(refused)) == 3
    assert (check_name(" Ada ", points=32), check_room_name(" system ", points=128)) == ("Ada", "system")
    assert check_known_name("-- Bob", points=32) == "-- Bob"
    assert check_known_name("", points=32) == Rejection("name_invalid", check_name("", points=32).message)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "reaction",
    ["👍", "+1", "x" * 32, "❤️", "👍🏽", "👩\u200d💻", "1️⃣", "🇩🇪", "\U0001fae8", "\U0001fac8", "क्\u200dष", "ok", "é",
     "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"],
    ids=ascii,
)  # fmt: skip
def test_an_emoji_or_a_word_is_a_reaction_be_it_newer_than_this_python(reaction: str) -> None:
    assert check_reaction(reaction, points=32) is None


@pytest.mark.parametrize(
    "reaction",
    ["", "a b", "\ufe0f", "\u200d", "\u0301", "\u20e3", "👍\u202e", "👍\u200b", "👍\u200d", "\n",
     "\u094d\u200d", "x" * 33, "\uffff"],
    ids=ascii,
)  # fmt: skip
def test_something_invisible_is_not_a_reaction(reaction: str) -> None:
    assert check_reaction(reaction, points=32) == Rejection(
        "bad_request", "A reaction has 1 to 32 visible characters, and no spaces."
    )


@pytest.mark.parametrize("text", ["x", "\0", " x ", "\u200b", "x" * 16, "é" * 8, "\U0001f600" * 4, "\x1b[31m"])
def test_any_text_is_a_message(text: str) -> None:
    assert check_text(text, size=16) is None


@pytest.mark.parametrize("text", ["", " ", "\n\r\t", "\u3000\u2028\xa0"])
def test_a_blank_text_is_not_a_message(text: str) -> None:
    assert check_text(text, size=16) == Rejection("message_empty")


@pytest.mark.parametrize("text", ["x" * 17, "é" * 8 + "x", "\U0001f600" * 5, "\ud800" * 6], ids=ascii)
def test_a_text_is_measured_in_bytes(text: str) -> None:
    assert check_text(text, size=16) == Rejection(
        "message_too_long", "A message holds at most 16 bytes; send it in parts."
    )
