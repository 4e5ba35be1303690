"""One prompt for several rooms: each has a line of its own."""

from __future__ import annotations

import asyncio
import gc
from weakref import ref

from tests.cli.join.typist import Editor, at_prompt

BACKSPACE, CTRL_C, EDIT, ENTER = "\x7f", "\x03", "\x18\x05", "\r"


async def test_the_line_of_a_room_that_is_left_is_let_go() -> None:
    async with at_prompt() as typist:
        await typist.press("one", lambda: typist.prompt.draft == "one")
        left = ref(typist.prompt.buffer)
        typist.desks.turn_to(2)
        del typist.desks.desks[0]
        typist.desk = typist.desks.front
        await typist.press("two", lambda: typist.prompt.draft == "two")
        gc.collect()
        assert left() is None


async def test_what_is_edited_goes_back_where_it_came_from() -> None:
    editor = Editor()
    async with at_prompt(edit=editor) as typist:
        await typist.press("draft", lambda: typist.prompt.draft == "draft")
        first = typist.prompt.buffer
        await typist.press(EDIT, lambda: True)
        await editor.opened.wait()
        typist.desks.turn_to(2)
        editor.saved.set()
        async with asyncio.timeout(20):
            while first.text != "draft, and more":
                await asyncio.sleep(0)
        assert typist.prompt.draft == ""


async def test_a_room_asks_about_its_own_paste() -> None:
    async with at_prompt() as typist:
        pasted = "\n".join("abcdef")
        await typist.press(f"\x1b[200~{pasted}\x1b[201~", lambda: typist.prompt.draft == pasted)
        typist.desks.turn_to(2)
        await typist.press("x", lambda: typist.prompt.draft == "x")
        await typist.press(BACKSPACE, lambda: typist.prompt.draft == "")
        typist.desks.turn_to(1)
        await typist.press(ENTER, lambda: typist.desk.hinted == "6 lines: Enter again sends them")


async def test_a_room_that_asked_whether_to_leave_forgets_it_when_one_types_in_another() -> None:
    async with at_prompt() as typist:
        await typist.press(CTRL_C, lambda: typist.desk.hinted == "^C again to leave")
        typist.desks.turn_to(2)
        await typist.press("x", lambda: typist.desk.hinted == "")
