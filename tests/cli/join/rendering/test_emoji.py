"""Short names of emoji."""

from __future__ import annotations

import pytest

from chatty.cli.join.rendering.emoji import emoji_names, replace_shortcodes, unknown_name, with_emoji
from chatty.cli.terminal.cleaning import clean
from tests.cli.join.rendering.emoji_table import FILE, table


def test_a_known_name_becomes_its_emoji_and_an_unknown_one_stays() -> None:
    assert replace_shortcodes(":+1: :tada: :nosuch:") == "👍 🎉 :nosuch:"


@pytest.mark.parametrize("text", ["at 12:30:45", "12:1:45", "std::vector::size", ":", "::", "a:b"])
def test_times_and_paths_are_no_short_names(text: str) -> None:
    assert replace_shortcodes(text) == text


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("great :tada:", "great 🎉"),
        (":tada::tada: (:+1:), :nosuch:!", "🎉🎉 (👍), :nosuch:!"),
        ("`:tada:` :tada: ``a `:tada:` ``", "`:tada:` 🎉 ``a `:tada:` ``"),
        ("see\n```py\n:tada:\n```\n:tada:", "see\n```py\n:tada:\n```\n🎉"),
        ("~~~\n:tada:", "~~~\n:tada:"),
        ("https://example.org/:tada: /v1/:art:/x std::art::x a:art:b 1:x:2", None),
        ("a lone ` and :tada:", "a lone ` and 🎉"),
    ],
)
def test_known_names_are_sent_as_emoji_but_not_in_code_addresses_and_words(typed: str, sent: str | None) -> None:
    assert with_emoji(typed) == (sent or typed)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (":tadda:", "no emoji :tadda:. Did you mean :tada:?"),
        (":hart:", "no emoji :hart:. Did you mean :heart: or :chart: or :art:?"),
        (":nosuch:", "no emoji :nosuch:; Tab completes a name that begins with :"),
        (":tada:", ""),
        ("nice", ""),
        ("🎉", ""),
    ],
)
def test_a_name_that_no_emoji_has_is_said_with_those_like_it(name: str, said: str) -> None:
    assert unknown_name(name) == said


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
