from __future__ import annotations

import pytest

from chatty.cli.join.rendering.emoji import emoji_names
from chatty.cli.join.window.completion import candidates

PEOPLE = ["Bob", "Ada L.", "ada", "\x1b[31mEve"]


def offered(before: str, *, asked: bool = False) -> list[str]:
    return [one.text for one in candidates(before, PEOPLE, (), lambda: ["general", "ops", "Off topic"], asked=asked)]


@pytest.mark.parametrize(
    ("before", "texts"),
    [
        ("@", ["@Bob", "@Ada L.", "@ada", "@␛[31mEve"]),
        ("see @A", ["@Ada L.", "@ada"]),
        ("/reply @b", ["@Bob"]),
        ("mail@b", []),
        ("@x", []),
        ("@ｂ", ["@Bob"]),
        ("Bo", []),
        (":", []),
        (":t", []),
        ("a:tada", []),
        ("12:30", []),
        ("/unq", []),
        ("/unr", ["/unreact"]),
        ("/room o", ["ops", "Off topic"]),
        ("/join off t", ["Off topic"]),
        ("/join x", []),
        ("/part o", []),
        ("/help re", ["reply", "react"]),
        ("/help /his", ["history"]),
        ("/help ki", []),
    ],
)
def test_only_after_a_slash_an_at_or_a_colon_something_is_offered_while_typing(before: str, texts: list[str]) -> None:
    assert offered(before) == texts


def test_an_emoji_is_found_by_its_beginning_first_and_then_by_any_part() -> None:
    assert offered("great :tad")[0] == "🎉"
    texts = offered(":heart")
    assert texts[0] == "❤️"
    assert emoji_names()["broken_heart"] in texts
    assert offered(":nosuch") == []


def test_tab_completes_a_bare_name_and_addresses_who_stands_first() -> None:
    assert offered("bo", asked=True) == ["Bob: "]
    assert offered("ask bo", asked=True) == ["Bob"]


def test_what_is_replaced_is_what_was_typed_for_it() -> None:
    (one,) = candidates("hello @Bo", PEOPLE, (), list, asked=False)
    assert one.length == len("@Bo")
    emoji, *_ = candidates("hello :tada", PEOPLE, (), list, asked=False)
    assert emoji.length == len(":tada")
    assert emoji.shown == ":tada:"
