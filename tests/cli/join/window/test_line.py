"""The line that is typed: Tab, and keys that mean nothing."""

from __future__ import annotations

from typing import Any, cast

import pytest
from prompt_toolkit.keys import Keys

from chatty.cli.join.window.room_keys import room_keys
from tests.cli.join.typist import Desk, Desks, at_prompt

ALT, TAB = "\x1b", "\t"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("bo", "Bob: "), ("ask bo", "ask Bob "), ("@bo", "@Bob "), ("/whi", "/whi"), ("/who", "/who ")],
)
async def test_tab_takes_the_only_candidate_and_closes_the_menu(typed: str, completed: str) -> None:
    async with at_prompt() as typist:
        await typist.press(f"{typed}{TAB}", lambda: typist.prompt.draft == completed)
        if completed.endswith(" "):
            assert typist.prompt.buffer.complete_state is None
            await typist.press(f"{TAB}!", lambda: typist.prompt.draft == f"{completed}!")


async def test_what_stands_behind_the_cursor_gets_no_second_blank() -> None:
    async with at_prompt() as typist:
        await typist.press(f"ask  now{ALT}[D{ALT}[D{ALT}[D{ALT}[D@bo", lambda: typist.prompt.draft == "ask @bo now")
        await typist.press(f"{TAB}!", lambda: typist.prompt.draft == "ask @Bob! now")


async def test_a_key_with_alt_that_means_nothing_types_nothing() -> None:
    async with at_prompt() as typist:
        await typist.press(f"a{ALT}j{ALT}hb", lambda: typist.prompt.draft == "ab")


async def test_a_paste_right_behind_esc_arrives() -> None:
    async with at_prompt() as typist:
        await typist.press(f"{ALT}{ALT}[200~pasted{ALT}[201~", lambda: typist.prompt.draft == "pasted")


def test_alt_1_to_9_go_to_a_room_and_alt_0_to_the_tenth() -> None:
    desks = Desks(*(Desk() for _ in range(10)))
    keys, turned = room_keys(desks), list[int]()
    for digit in "1290":
        (binding,) = keys.get_bindings_for_keys((Keys.Escape, digit))
        binding.handler(cast(Any, None))
        turned.append(desks.desks.index(desks.front) + 1)
    assert turned == [1, 2, 9, 10]
