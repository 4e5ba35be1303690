from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chatty.cli.join.window.history import FileHistory
from tests.cli.join.typist import Editor, at_prompt

ALT_ENTER, CTRL_C, CTRL_D, CTRL_R, DOWN, EDIT, ENTER, TAB, UP = (
    "\x1b\r",
    "\x03",
    "\x04",
    "\x12",
    "\x1b[B",
    "\x18\x05",
    "\r",
    "\t",
    "\x1b[A",
)


async def test_the_line_is_above_the_status() -> None:
    async with at_prompt() as typist:
        await typist.press("half-typed", lambda: typist.glass.rows == ["> half-typed", " ● connected ·"])
        assert typist.glass.cursor == (0, len("> half-typed"))


async def test_enter_sends_and_clears_the_line() -> None:
    async with at_prompt() as typist:
        await typist.press(f"hello{ENTER}", lambda: typist.desk.entered == ["hello"])
        assert typist.prompt.draft == ""


async def test_a_blank_line_is_not_sent() -> None:
    async with at_prompt() as typist:
        await typist.press(f"  {ENTER}x", lambda: typist.prompt.draft == "  x")
        assert typist.desk.entered == []


async def test_alt_enter_begins_a_new_line() -> None:
    async with at_prompt() as typist:
        await typist.press(f"one{ALT_ENTER}two", lambda: typist.glass.rows[:2] == ["> one", "  two"])
        await typist.press(ENTER, lambda: typist.desk.entered == ["one\ntwo"])


async def test_a_paste_of_many_lines_does_not_send_itself() -> None:
    async with at_prompt() as typist:
        await typist.press("\x1b[200~one\r\ntwo\r\n\x1b[201~", lambda: typist.prompt.draft == "one\ntwo\n")
        assert typist.desk.entered == []


async def test_a_line_feed_at_the_end_of_a_paste_is_not_sent() -> None:
    async with at_prompt() as typist:
        await typist.press("\x1b[200~one\ntwo\n\x1b[201~", lambda: typist.prompt.draft == "one\ntwo\n")
        await typist.press(ENTER, lambda: typist.prompt.draft == "")
        assert typist.desk.entered == ["one\ntwo"]


async def test_a_byte_that_is_no_utf8_is_replaced_and_what_it_is_in_goes_once(tmp_path: Path) -> None:
    async with at_prompt(FileHistory(tmp_path / "history", print)) as typist:
        await typist.press(b"caf\xe9\r\rx", lambda: typist.prompt.draft == "x")
        assert typist.desk.entered == ["caf\ufffd"]
        await typist.press(UP, lambda: typist.prompt.draft == "caf\ufffd")


async def test_a_refused_line_stays() -> None:
    async with at_prompt() as typist:
        await typist.press(f"bad{ENTER}", lambda: typist.desk.entered == ["bad"])
        assert typist.prompt.draft == "bad"


async def test_what_comes_back_does_not_replace_what_is_typed() -> None:
    async with at_prompt() as typist:
        assert typist.prompt.restore("refused")
        assert typist.prompt.draft == "refused"
        assert not typist.prompt.restore("another")
        assert typist.prompt.draft == "refused"


async def test_up_and_down_walk_through_what_was_sent() -> None:
    async with at_prompt() as typist:
        await typist.press(f"one{ENTER}two{ENTER}", lambda: len(typist.desk.entered) == 2)
        await typist.press(UP, lambda: typist.prompt.draft == "two")
        await typist.press(UP, lambda: typist.prompt.draft == "one")
        await typist.press(DOWN, lambda: typist.prompt.draft == "two")


async def test_a_search_in_what_was_sent_finds_it_when_the_keys_come_at_once() -> None:
    async with at_prompt() as typist:
        await typist.press(f"deploy three{ENTER}", lambda: typist.desk.entered == ["deploy three"])
        await typist.press(
            f"x{CTRL_C}{CTRL_R}dep", lambda: typist.glass.rows[:2] == ["> deploy three", "search back: dep"]
        )


async def test_up_brings_back_what_was_sent_another_day(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text('"yesterday"\n')
    async with at_prompt(FileHistory(path, print)) as typist:
        await typist.press(UP, lambda: typist.prompt.draft == "yesterday")


async def test_a_line_that_begins_with_a_space_is_sent_but_not_remembered(tmp_path: Path) -> None:
    async with at_prompt(FileHistory(tmp_path / "history", print)) as typist:
        await typist.press(f"kept{ENTER} secret{ENTER}", lambda: typist.desk.entered == ["kept", " secret"])
        await typist.press(UP, lambda: typist.prompt.draft == "kept")


async def test_a_slash_opens_the_menu_and_tab_completes() -> None:
    async with at_prompt() as typist:
        await typist.press("/h", lambda: any("/history [N]" in row for row in typist.glass.rows))
        assert any("the commands and the keys" in row for row in typist.glass.rows)
        await typist.press(TAB, lambda: typist.prompt.draft == "/help")
        await typist.press(ENTER, lambda: typist.desk.entered == ["/help"])


async def test_an_at_opens_the_menu_with_people_and_tab_goes_through_them() -> None:
    async with at_prompt() as typist:
        await typist.press("hello @", lambda: typist.glass.rows[1:3] == [" @Bob", " @Ada"])
        await typist.press(TAB, lambda: typist.prompt.draft == "hello @Bob")
        await typist.press(TAB, lambda: typist.prompt.draft == "hello @Ada")
        await typist.press(f" hi{ENTER}", lambda: typist.desk.entered == ["hello @Ada hi"])


async def test_tab_completes_an_emoji_and_a_bare_name() -> None:
    async with at_prompt() as typist:
        await typist.press(f"a{TAB}", lambda: typist.prompt.draft == "Ada: ")
        await typist.press(":tada", lambda: any(":tada:" in row for row in typist.glass.rows))
        await typist.press(TAB, lambda: typist.prompt.draft == "Ada: \N{PARTY POPPER} ")


async def test_when_the_menu_closes_nothing_of_it_stays() -> None:
    async with at_prompt() as typist:
        await typist.press("/", lambda: any("/help" in row for row in typist.glass.rows))
        await typist.press("/", lambda: typist.glass.rows == ["> //", " ● connected ·"])


async def test_ctrl_c_closes_the_menu_then_clears_the_draft_then_asks_and_then_leaves() -> None:
    async with at_prompt() as typist:
        await typist.press("/h", lambda: any("/history [N]" in row for row in typist.glass.rows))
        await typist.press(CTRL_C, lambda: typist.glass.rows == ["> /h", " ● connected ·"])
        await typist.press(CTRL_C, lambda: typist.prompt.draft == "")
        assert typist.desks.left == 0
        await typist.press(CTRL_C, lambda: typist.desk.hinted == "^C again to leave")
        assert typist.desks.left == 0
        await typist.press(CTRL_C, lambda: typist.desks.left == 1)


async def test_page_up_says_where_to_scroll_until_the_next_key() -> None:
    async with at_prompt() as typist:
        await typist.press("\x1b[5~", lambda: typist.desk.hinted.startswith("scroll in your terminal"))
        await typist.press("x", lambda: typist.desk.hinted == "" and typist.prompt.draft == "x")


async def test_typing_after_ctrl_c_means_staying() -> None:
    async with at_prompt() as typist:
        await typist.press(CTRL_C, lambda: typist.desk.hinted == "^C again to leave")
        await typist.press("x", lambda: typist.desk.hinted == "")
        await typist.press(CTRL_C, lambda: typist.prompt.draft == "")
        await typist.press(CTRL_C, lambda: typist.desk.hinted == "^C again to leave")
        assert typist.desks.left == 0


async def test_ctrl_d_leaves_when_the_line_is_empty_and_else_deletes() -> None:
    async with at_prompt() as typist:
        await typist.press(f"ab\x01{CTRL_D}", lambda: typist.prompt.draft == "b")
        assert typist.desks.left == 0
        await typist.press(f"{CTRL_D}{CTRL_D}", lambda: typist.desks.left == 1)


async def test_messages_on_their_way_are_dim_above_the_line() -> None:
    async with at_prompt() as typist:
        typist.desk.waiting = [f"message {n}\nsecond line" for n in range(7)]
        await typist.press("x", lambda: typist.prompt.draft == "x")
        assert typist.glass.rows[:6] == [
            "  message 0",
            "  message 1",
            "  message 2",
            "  message 3",
            "  … and 3 more",
            "> x",
        ]


async def test_lines_come_in_above_a_half_typed_draft() -> None:
    async with at_prompt() as typist:
        await typist.press("half-typed", lambda: typist.prompt.draft == "half-typed")
        typist.prompt.app.show("line 0\n")
        typist.prompt.app.show("line 1\nline 2\n")
        assert typist.glass.rows == ["line 0", "line 1", "line 2", "> half-typed", " ● connected ·"]
        assert typist.glass.cursor == (3, len("> half-typed"))


async def test_lines_that_wrap_and_scroll_leave_no_trace_of_the_prompt() -> None:
    async with at_prompt(columns=20, rows=5) as typist:
        draft = "a draft that is longer than a row"
        await typist.press(draft, lambda: typist.prompt.draft == draft)
        for n in range(10):
            typist.prompt.app.show(f"{n} is a line that wraps\n")
        assert typist.glass.rows == [
            "9 is a line that wra",
            "ps",
            "> a draft that is lo",
            "  nger than a row",
            " ● connected ·",
        ]


async def test_an_update_is_one_write_that_the_terminal_shows_at_once() -> None:
    async with at_prompt() as typist:
        typist.glass.updates.clear()
        typist.prompt.app.show("line\n")
        (update,) = typist.glass.updates
        assert update.startswith("\x1b[?2026h")
        assert update.endswith("\x1b[?2026l")


async def test_the_terminal_is_never_asked_where_its_cursor_is() -> None:
    async with at_prompt() as typist:
        typist.prompt.app.show("line\n")
        assert "\x1b[6n" not in "".join(typist.glass.updates)


@pytest.mark.parametrize("columns", [39, 30, 17, 8])
@pytest.mark.parametrize("what", ["the resize", "a line", "a key"])
async def test_a_narrower_window_leaves_no_ghosts(columns: int, what: str) -> None:
    async with at_prompt(columns=40, rows=24) as typist:
        draft = "a draft that is much longer than one row of the window is"
        typist.prompt.app.show("above\n")
        await typist.press(draft, lambda: typist.prompt.draft == draft)
        typist.glass.narrow(columns)
        match what:
            case "the resize":
                typist.prompt.app._on_resize()
            case "a line":
                typist.prompt.app.show("more\n")
            case _:
                await typist.press("!", lambda: typist.prompt.draft.endswith("!"))
        typist.prompt.app.show("last\n")
        rows = typist.glass.rows
        typed = "".join(row.removeprefix(">").strip() for row in rows if row.startswith((">", "  ")))
        assert [row for row in rows if row.startswith(">")] == [f"> {draft[: columns - 2]}".rstrip()]
        assert rows[: rows.index("last") + 1] == ["above", *(["more"] if what == "a line" else []), "last"]
        assert typed.replace(" ", "").startswith(draft.replace(" ", ""))
        assert sum(row.startswith(" ●") for row in rows) == 1


async def test_a_line_that_just_fits_the_narrower_window_costs_no_row_above_it() -> None:
    async with at_prompt(columns=40) as typist:
        typist.prompt.app.show("above\nnearest\n")
        await typist.press("half-typed", lambda: typist.prompt.draft == "half-typed")
        typist.glass.narrow(len("> half-typed"))
        typist.prompt.app._on_resize()
        assert typist.glass.rows[:3] == ["above", "nearest", "> half-typed"]


async def test_a_wider_window_leaves_no_ghosts() -> None:
    async with at_prompt(columns=20) as typist:
        draft = "a draft that is longer than a row"
        await typist.press(draft, lambda: typist.prompt.draft == draft)
        typist.glass.screen.resize(columns=60)
        typist.prompt.app._on_resize()
        assert typist.glass.rows == [f"> {draft}", " ● connected ·"]


async def test_leaving_takes_the_prompt_away() -> None:
    async with at_prompt() as typist:
        await typist.press("x", lambda: typist.prompt.draft == "x")
        typist.prompt.app.show("line\n")
    assert typist.glass.rows == ["line"]


async def test_what_changes_stands_above_the_line_and_goes() -> None:
    async with at_prompt(columns=20) as typist:
        typist.desk.changing = ["▶ ci  make", "12:00 → somebody joined"]
        await typist.press("x", lambda: typist.glass.rows[:3] == ["▶ ci  make", "12:00 → somebody joi", "> x"])
        typist.desk.changing = []
        await typist.press("y", lambda: typist.glass.rows[:1] == ["> xy"])


async def test_the_desk_hears_of_every_key_and_of_what_stands_in_the_line() -> None:
    async with at_prompt() as typist:
        await typist.press("/wh", lambda: typist.prompt.draft == "/wh")
        assert typist.desk.keys == 3
        await typist.press(f"{CTRL_C}{CTRL_C}hi{ENTER}", lambda: typist.desk.entered == ["hi"])
        assert typist.desk.drafts == ["/", "/w", "/wh", "", "h", "hi", ""]


def paste(lines: int) -> str:
    return "\x1b[200~" + "\r\n".join(f"line {n}" for n in range(lines)) + "\x1b[201~"


async def test_a_paste_of_five_lines_is_sent_by_one_enter() -> None:
    async with at_prompt() as typist:
        await typist.press(f"{paste(5)}{ENTER}", lambda: len(typist.desk.entered) == 1)


async def test_a_longer_paste_is_sent_by_the_second_enter() -> None:
    async with at_prompt() as typist:
        await typist.press(f"{paste(6)}{ENTER}", lambda: typist.desk.hinted == "6 lines: Enter again sends them")
        assert typist.desk.entered == []
        await typist.press(ENTER, lambda: typist.desk.entered == ["\n".join(f"line {n}" for n in range(6))])
        assert typist.desk.hinted == ""
        await typist.press(f"short{ENTER}", lambda: typist.desk.entered[1:] == ["short"])


async def test_ctrl_c_keeps_a_paste_that_was_asked_about_and_changing_it_asks_again() -> None:
    async with at_prompt() as typist:
        await typist.press(f"{paste(6)}{ENTER}", lambda: typist.desk.hinted != "")
        await typist.press(CTRL_C, lambda: typist.desk.hinted == "")
        assert typist.prompt.draft.endswith("line 5")
        await typist.press(ENTER, lambda: typist.desk.hinted != "")
        await typist.press("x", lambda: typist.desk.hinted == "")
        await typist.press(ENTER, lambda: typist.desk.hinted != "")
        assert typist.desk.entered == []


async def test_long_text_that_was_typed_is_not_asked_about() -> None:
    async with at_prompt() as typist:
        await typist.press(f"{ALT_ENTER.join('1234567')}{ENTER}", lambda: len(typist.desk.entered) == 1)


async def test_what_is_pasted_is_kept_as_it_is_and_shown_as_the_others_will_see_it() -> None:
    async with at_prompt() as typist:
        await typist.press("\x1b[200~a\x07\u202eb\x1b[201~c", lambda: "> a␇<U+202E>bc" in typist.glass.rows)
        assert typist.glass.cursor == (0, len("> a␇<U+202E>bc"))
        await typist.press(f"\x02\x02\x02x{ENTER}", lambda: typist.desk.entered == ["a\x07x\u202ebc"])
        assert not set("".join(typist.glass.updates)) & {"\x07", "\u202e"}


async def test_ctrl_r_finds_what_was_sent_and_enter_takes_it_without_sending_it() -> None:
    async with at_prompt() as typist:
        await typist.press(f"deploy one{ENTER}deploy two{ENTER}other{ENTER}", lambda: len(typist.desk.entered) == 3)
        await typist.press(f"draft{CTRL_R}DEP", lambda: "> deploy two" in typist.glass.rows)
        assert "search back: DEP" in typist.glass.rows
        await typist.press(CTRL_R, lambda: "> deploy one" in typist.glass.rows)
        await typist.press(ENTER, lambda: typist.glass.rows == ["> deploy one", " ● connected ·"])
        assert len(typist.desk.entered) == 3


async def test_ctrl_c_ends_a_search_and_the_draft_is_as_before() -> None:
    async with at_prompt() as typist:
        await typist.press(f"deploy{ENTER}", lambda: typist.desk.entered == ["deploy"])
        await typist.press(f"draft{CTRL_R}dep", lambda: "> deploy" in typist.glass.rows)
        await typist.press(CTRL_C, lambda: typist.glass.rows == ["> draft", " ● connected ·"])


async def test_what_is_saved_in_the_editor_is_kept_if_all_ends_meanwhile() -> None:
    editor = Editor()
    async with at_prompt(edit=editor) as typist:
        await typist.press("draft", lambda: typist.prompt.draft == "draft")
        await typist.press(EDIT, lambda: True)
        await editor.opened.wait()
        typist.running.cancel()
        while typist.prompt.app.is_running:
            await asyncio.sleep(0)
        editor.saved.set()
        await asyncio.wait([typist.running])
        assert typist.prompt.draft == "draft, and more"
        assert typist.desk.begun == 1
