from __future__ import annotations

import pytest

from chatty.cli.join.window.reaction_menu import ReactionMenu


def typing(keys: str) -> tuple[ReactionMenu, str]:
    menu, picked = ReactionMenu(), ""
    for key in keys:
        picked = picked or menu.press(key)
    return menu, picked


@pytest.mark.parametrize(
    ("keys", "picked"),
    [
        ("1", "👍"),
        ("4", "🎉"),
        ("9", ""),
        ("tad1", "🎉"),
        (":tada:", "🎉"),
        (":+1:", "👍"),
        (":nosuch:", ""),
        ("²", ""),
    ],
)
def test_a_digit_picks_what_is_offered_and_a_whole_name_its_emoji(keys: str, picked: str) -> None:
    assert typing(keys)[1] == picked


@pytest.mark.parametrize(("keys", "entered"), [("tad", "🎉"), (":tad", "🎉"), ("", ""), ("nosuch", ""), ("+", "👍")])
def test_enter_takes_the_first_that_is_offered_for_what_was_typed(keys: str, entered: str) -> None:
    assert typing(keys)[0].enter() == entered


def test_the_row_has_the_common_ones_and_then_those_that_are_called_so() -> None:
    menu, _ = typing("")
    assert menu.row().startswith("react ▏ 1 👍  2 ❤️  3 😂  4 🎉")
    assert typing("tada")[0].row() == "react tada▏ 1 🎉 :tada:  · Enter: 1 · Esc"
    assert "no emoji is called so" in typing("nosuch")[0].row()


def test_what_was_typed_can_be_taken_back() -> None:
    menu, _ = typing("tx")
    assert menu.erase()
    assert menu.typed == "t"
    assert menu.erase()
    assert not menu.erase()
