"""Short names of emoji."""

from chatty.cli.join.emoji import EMOJI, replace_shortcodes
from chatty.cli.terminal.cleaning import clean


def test_a_known_name_becomes_its_emoji_and_an_unknown_one_stays() -> None:
    assert replace_shortcodes(":+1: :tada: :nosuch:") == "👍 🎉 :nosuch:"


def test_times_and_paths_are_no_short_names() -> None:
    assert replace_shortcodes("at 12:30:45, std::vector::size") == "at 12:30:45, std::vector::size"


def test_every_emoji_is_one_and_is_shown_as_it_is() -> None:
    assert len(EMOJI) > 150
    for name, emoji in EMOJI.items():
        assert not emoji.isascii(), name
        assert clean(emoji) == emoji, name
