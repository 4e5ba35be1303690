"""The keys that point at a message."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatty.protocol import Live
from tests.cli.join.talk import by, welcome
from tests.cli.join.typist import Typist, at_prompt

ALT_DOWN, ALT_ENTER, ALT_UP, BACKSPACE, CTRL_A, CTRL_C, CTRL_X, ENTER, ESC = (
    "\x1b[1;3B",
    "\x1b\r",
    "\x1b[1;3A",
    "\x7f",
    "\x01",
    "\x03",
    "\x18",
    "\r",
    "\x1b",
)
REACT, CHANGE, DELETE, COPY = "\x1br", "\x1be", "\x1bd", "\x1by"
ADA, JOHN = "  ↩ 12:00 Ada │ shall we?", "  ↩ 12:00 John │ yes"


@asynccontextmanager
async def pointing(columns: int = 70) -> AsyncIterator[Typist]:
    """A prompt where Ada and then oneself, John, have said something."""
    async with at_prompt(columns=columns) as typist:
        for frame in (welcome(), Live(0), by("Ada", 1, "shall we?"), by("John", 2, "yes")):
            typist.desk.incoming.hear(frame)
        typist.desk.incoming.take()
        yield typist


def above(typist: Typist) -> str:
    """The row above the line; empty if there is none."""
    rows = typist.glass.rows
    return rows[0] if not rows[0].startswith(">") else ""


async def test_alt_up_and_down_select_a_message_that_stands_above_the_line() -> None:
    async with pointing() as typist:
        await typist.press(ALT_UP, lambda: above(typist) == JOHN)
        assert typist.desk.hinted == "Enter: reply · Alt-R react, E edit, D delete, Y copy · Esc"
        await typist.press(f"{ESC}{ESC}[A", lambda: above(typist) == ADA)  # as other terminals send it
        assert typist.desk.hinted == "Enter: reply · Alt-R react, Y copy · Esc"
        await typist.press(ALT_DOWN, lambda: above(typist) == JOHN)
        await typist.press(ALT_DOWN, lambda: above(typist) == "")
        assert typist.desk.hinted == ""


async def test_the_row_is_clipped_to_the_window() -> None:
    async with pointing(columns=18) as typist:
        await typist.press(f"{ALT_UP}{ALT_UP}", lambda: above(typist) == "  ↩ 12:00 Ada │ s…")


async def test_with_nothing_to_select_a_hint_says_so_until_the_next_key() -> None:
    async with at_prompt() as typist:
        await typist.press(ALT_UP, lambda: typist.desk.hinted == "no message to point at yet")
        await typist.press("x", lambda: typist.desk.hinted == "")


async def test_esc_lets_go_and_the_keys_behind_it_are_typed() -> None:
    async with pointing() as typist:
        await typist.press(f"hi{ALT_UP}", lambda: above(typist) == JOHN)
        await typist.press(ESC, lambda: above(typist) == "")
        await typist.press("r", lambda: typist.prompt.draft == "hir")


async def test_esc_waits_a_fraction_of_a_second_and_ctrl_x_for_the_time_that_people_take() -> None:
    async with pointing() as typist:
        app = typist.prompt.app
        waited: list[tuple[str, float | None]] = []
        app.key_processor.after_key_press += lambda _: waited.append(
            (app.key_processor.key_buffer[0].key, app.timeoutlen)
        )
        await typist.press(ESC, lambda: len(waited) == 1)
        await typist.press(CTRL_X, lambda: len(waited) == 2)
        assert waited == [("escape", app.ttimeoutlen), ("c-x", 1.0)]
        assert app.ttimeoutlen < 0.3


async def test_alt_keys_do_what_they_did_when_nothing_is_selected() -> None:
    async with pointing() as typist:
        await typist.press(f"one two{CTRL_A}{DELETE}", lambda: typist.prompt.draft == " two")
        await typist.press(f"x{ALT_ENTER}", lambda: typist.prompt.draft == "x\n two")
        assert typist.desk.acts == []


async def test_a_digit_reacts_and_the_line_stays() -> None:
    async with pointing() as typist:
        await typist.press(f"draft{ALT_UP}{REACT}", lambda: above(typist).startswith("  react ▏ 1 👍"))
        await typist.press("4", lambda: typist.desk.acts == ["/react 🎉"])
        assert typist.prompt.draft == "draft"
        await typist.press("!", lambda: typist.prompt.draft == "draft!")


async def test_a_name_is_typed_into_the_menu_and_enter_takes_it() -> None:
    async with pointing() as typist:
        await typist.press(f"{ALT_UP}{REACT}rokcet", lambda: "no emoji" in above(typist))
        await typist.press(BACKSPACE * 4 + "cket", lambda: ":rocket:" in above(typist))
        await typist.press(ENTER, lambda: typist.desk.acts == ["/react 🚀"])
        assert typist.prompt.draft == ""
        assert typist.desk.entered == []


async def test_esc_and_ctrl_c_leave_the_menu_and_then_the_message() -> None:
    for leave in (ESC, CTRL_C):
        async with pointing() as typist:
            await typist.press(f"{ALT_UP}{REACT}", lambda: above(typist).startswith("  react"))
            await typist.press(leave, lambda: above(typist) == JOHN)
            await typist.press(leave, lambda: above(typist) == "")
            assert typist.desk.acts == []
            assert typist.desks.left == 0


async def test_deleting_asks_and_enter_or_y_does_it() -> None:
    for yes in (ENTER, "y"):
        async with pointing() as typist:
            await typist.press(f"{ALT_UP}{DELETE}", lambda: above(typist) == "  delete it? Enter or y: yes")
            assert typist.desk.acts == []
            await typist.press(yes, lambda: typist.desk.acts == ["/delete"])
            assert typist.prompt.draft == ""


async def test_any_other_key_deletes_nothing() -> None:
    for no in ("n", "x", CTRL_A, CTRL_C, "\x1b[A", BACKSPACE, "\t", ALT_UP, REACT):
        async with pointing() as typist:
            await typist.press(f"{ALT_UP}{DELETE}", lambda: above(typist).startswith("  delete it?"))
            await typist.press(no, lambda: not above(typist).startswith("  delete it?"))
            await typist.press(CTRL_C * 2 + f"hi{ENTER}", lambda: typist.desk.entered == ["hi"])
            assert typist.desk.acts == []


async def test_alt_e_has_the_message_edited_unless_something_is_typed() -> None:
    async with pointing() as typist:
        await typist.press(f"x{ALT_UP}{CHANGE}", lambda: typist.desk.hinted.startswith("send your line first"))
        assert typist.desk.acts == []
        await typist.press(f"{BACKSPACE}{CHANGE}", lambda: typist.desk.acts == ["/edit"])


async def test_alt_y_gives_the_text_to_the_terminals_clipboard_and_says_so() -> None:
    async with pointing() as typist:
        typist.desk.incoming.hear(by("Eve", 3, "\x1b[31mré\n\x07"))
        typist.desk.incoming.take()
        await typist.press(f"{ALT_UP}{COPY}", lambda: typist.desk.hinted == "copied")
        data = b64encode("\x1b[31mré\n\x07".encode()).decode()
        assert f"\x1b]52;c;{data}\a" in "".join(typist.glass.updates)
        assert above(typist) == ""


async def test_what_no_terminal_takes_is_not_copied() -> None:
    async with pointing() as typist:
        typist.desk.incoming.hear(by("Eve", 3, "x" * 60_000))
        typist.desk.incoming.take()
        await typist.press(f"{ALT_UP}{COPY}", lambda: typist.desk.hinted == "that message is too long to copy")
        assert "\x1b]52" not in "".join(typist.glass.updates)


async def test_a_question_is_over_when_its_message_is_no_longer_selected() -> None:
    async with pointing() as typist:
        await typist.press(f"{ALT_UP}{REACT}", lambda: above(typist).startswith("  react"))
        typist.desk.selection.up()
        await typist.press("1", lambda: typist.prompt.draft == "1")
        assert typist.desk.acts == []
