"""Short names of emoji."""

from __future__ import annotations

import pytest

from chatty.cli.join.rendering.emoji import emoji_names, replace_shortcodes
from chatty.cli.terminal.cleaning import clean
from tests.cli.join.rendering.emoji_table import FILE, table


def test_a_known_name_becomes_its_emoji_and_an_unknown_one_stays() -> None:
    assert replace_shortcodes(":+1: :tada: :nosuch:") == "👍 🎉 :nosuch:"


@pytest.mark.parametrize("text", ["at 12:30:45", "12:1:45", "std::vector::size", ":", "::", "a:b"])
def test_times_and_paths_are_no_short_names(text: str) -> None:
    assert replace_shortcodes(text) == text


def test_the_table_is_what_the_package_of_emoji_has() -> None:
    assert FILE.read_text("utf-8") == table(), "make emoji writes it anew"


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        *(
            ("+1", "👍"),
            ("-1", "👎"),
            ("thumbsup", "👍"),
            ("tada", "🎉"),
            ("party_popper", "🎉"),
            ("heart", "❤️"),
            ("wave", "👋"),
        ),
        *(
            ("white_check_mark", "✅"),
            ("x", "❌"),
            ("eyes", "👀"),
            ("rocket", "🚀"),
            ("sob", "😭"),
            ("flag_for_sweden", "🇸🇪"),
        ),
        *(
            ("scotland", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"),
            ("cote_divoire", "🇨🇮"),
        ),
    ],
)
def test_names_that_people_know_from_elsewhere_are_there(name: str, emoji: str) -> None:
    assert emoji_names()[name] == emoji


def test_every_emoji_is_shown_as_it_is() -> None:
    assert len(set(emoji_names().values())) > 1_800
    for name, emoji in emoji_names().items():
        assert not emoji.isascii(), name
        assert clean(emoji) == emoji, name
