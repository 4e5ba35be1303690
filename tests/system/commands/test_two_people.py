"""Two people talk, each at a terminal of their own: every key and every state, and what is on their screens."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import chatty
from tests.support.server import Server
from tests.support.tmux import ROWS, Person, Tmux, documented

pytestmark = pytest.mark.timeout(240)

CONNECTED = " ● connected · #general · "


@pytest.fixture
def room(server: Server) -> Any:
    return server.make_room("general", topic="what goes out when")


@pytest.fixture
def people(tmux: Tmux, room: Any) -> tuple[Person, Person]:
    """John and Ada, in this order, in the room."""
    john = tmux.person("John")
    john.joins(room["id"])
    ada = tmux.person("Ada")
    ada.joins(room["id"])
    john.sees("2 online")
    return john, ada


def prompt_of(rows: list[str]) -> list[str]:
    return [row for row in rows if row.startswith(">")]


def draft_of(rows: list[str]) -> str:
    """What stands in the prompt, without its blanks: they may be where it wraps."""
    first = next(number for number, row in enumerate(rows) if row.startswith(">"))
    return "".join(row[2:] for row in rows[first:-1]).replace(" ", "")


def test_they_talk(people: tuple[Person, Person]) -> None:
    john, ada = people
    ada.says("hello **everybody**")
    john.sees("hello everybody")
    john.says("/reply hello Ada: see `chatty --help`")
    ada.sees("chatty --help")
    ada.says("/me waves")
    john.sees("Ada waves")
    john.says("/react :wave:")
    ada.sees("👋")
    john.says("/topic deploys on Friday")
    ada.sees("deploys on Friday")
    ada.says("John: is it ready?")
    john.sees("is it ready?")
    john.types("half-typed")
    ada.sees("John is typing…")
    john.looks("Talking", "> half-typed")


def test_a_command_is_about_the_message_that_was_there_when_its_line_was_begun(people: tuple[Person, Person]) -> None:
    john, ada = people
    ada.says("lunch at noon?")
    john.sees("Ada │ lunch at noon?")
    john.types("/react :+1:")
    john.sees("↪ Ada: lunch at noon?")
    ada.says("or drop the database?")
    john.looks("The message that a command is about", "Ada │ or drop")
    john.press("Enter")
    ada.sees("John 👍 → Ada: lunch at noon?")
    john.types("/reply @Ada no")
    john.sees("↪ Ada: or drop the database?")
    ada.says("/delete")
    john.sees("↪ Ada: (deleted)")
    john.press("Enter")
    john.looks("A message that was deleted meanwhile", "!! that message was deleted meanwhile")


def test_who_speaks_of_somebody_is_seen_in_the_status_and_in_the_title(people: tuple[Person, Person]) -> None:
    john, ada = people
    ada.says("@john ping")
    john.looks("Mentioned", "1 mention")
    john.sees(lambda _: john.title == "(1) #general")
    john.types("x")
    john.sees(lambda rows: "mention" not in rows[-1])
    john.sees(lambda _: john.title == "#general")


def test_who_was_away_finds_the_place_where_they_stopped_reading(tmux: Tmux, room: Any, tmp_path: Path) -> None:
    sooner = tmp_path / "sooner"  # a minute is long for a test
    sooner.write_text(
        f"#!{sys.executable}\nfrom chatty.cli import main\nfrom chatty.cli.join.room import attention\n"
        "attention.AWAY = 3.0\nmain()\n"
    )
    sooner.chmod(0o755)
    john, ada = tmux.person("John"), tmux.person("Ada")
    john.says(f"clear; {sooner} join {room['id']}")
    john.sees("● connected")
    ada.joins(room["id"])
    john.types("half-typed")
    john.sees("> half-typed")
    time.sleep(3.0)  # nothing tells that John counts as away
    ada.says("are you there?")
    ada.says("it can wait")
    john.sees("it can wait")
    john.looks("Back after a while", "── new since")
    john.types("x")
    rows = john.sees("> half-typedx")
    place = next(number for number, row in enumerate(rows) if row.startswith("── new since"))
    assert "are you there?" in rows[place + 1]


def test_what_was_said_can_be_changed_and_taken_back(people: tuple[Person, Person]) -> None:
    john, ada = people
    john.says("on Firday")
    john.sees("John │ on Firday")
    john.says("/edit")
    john.sees("> /edit on Firday")
    john.press("C-u")
    john.says("/edit on Friday")
    ada.sees("on Friday")
    ada.says("a secret")
    john.sees("a secret")
    ada.says("/delete")
    john.sees("deleted")
    john.says("/nick Johnny")
    ada.sees("Johnny")
    ada.types("@")
    ada.sees("@Johnny")
    ada.press("C-c", "C-c")
    ada.says("/quit")
    ada.sees(lambda rows: rows[-1].startswith("$"))
    john.looks("Changed, deleted, renamed", "1 online")


def test_menus_open_after_a_slash_an_at_and_a_colon(people: tuple[Person, Person]) -> None:
    john, ada = people
    ada.says("hello")
    john.sees("Ada │ hello")
    john.types("/")
    john.looks("The menu of commands", "/react")
    john.types("qui")
    john.sees(lambda rows: any(row.startswith(" /quit") for row in rows) and not any("/help  " in row for row in rows))
    john.press("Tab")
    john.sees("> /quiet")
    john.press("C-c", "C-c")
    john.types("thanks @")
    john.sees(lambda rows: any(row.strip() == "@Ada" for row in rows))
    john.press("Tab")
    john.types(":tad")
    john.looks("Completing an emoji", ":tada:")
    john.press("Tab")
    john.press("Enter")
    ada.sees("thanks @Ada 🎉")
    ada.types("joh")
    ada.press("Tab")
    ada.sees("> John:")


def test_history_search_help_and_what_one_hides(people: tuple[Person, Person]) -> None:
    john, ada = people
    ada.says("first about apples")
    ada.says("second about pears")
    john.sees("pears")
    john.says("/who")
    john.sees("-- 2 here: Ada, John")
    john.says("/search apples")
    john.sees("end of what was found")
    john.says("/history 1")
    john.looks("Searching", "… more: /more")
    john.says("/clear")
    john.sees(lambda rows: not any("pears" in row for row in rows))
    john.says("/ignore Ada")
    john.sees("ignored: Ada")
    john.says("/quiet")
    john.sees("are hidden")
    john.says("/timestamp")
    ada.says("not for John")
    ada.sees("Ada │ not for John")
    john.says("/unignore Ada")
    john.sees("no longer ignored")
    ada.says("seen again")
    rows = john.sees("seen again")
    assert not any("not for John" in row for row in rows)
    assert next(row for row in rows if "seen again" in row).startswith(" ")
    john.says("/qiut")
    john.looks("A typing error", "Did you mean")


def test_what_is_refused_is_in_the_prompt_again(people: tuple[Person, Person]) -> None:
    john, _ = people
    john.says("/nick Ada")
    john.looks("Refused", "> /nick Ada")


def test_what_is_said_while_the_server_is_away_is_sent_once(
    people: tuple[Person, Person], server: Server, room: Any
) -> None:
    john, ada = people
    server.kill9()
    john.sees("reconnecting")
    john.says("into the dark")
    john.says("/me waits")
    john.looks("Without a connection", "2 waiting")
    server.start()
    ada.sees("John waits")
    john.sees(CONNECTED)
    assert server.texts(room["id"]) == ["into the dark", "waits"]


def test_leaving_with_something_unsent_takes_two_times_and_leaves_it_behind(
    people: tuple[Person, Person], server: Server
) -> None:
    john, _ = people
    server.kill9()
    john.sees("reconnecting")
    john.says("precious")
    john.sees("1 waiting")
    john.press("C-d")
    john.sees("waits to be sent")
    john.press("C-d")
    john.looks("Left with something unsent", lambda rows: rows[-1].startswith("$"))


def test_the_keys_of_the_line(people: tuple[Person, Person], server: Server, room: Any) -> None:
    john, _ = people
    john.types("one")
    john.press("M-Enter")
    john.types("two")
    john.sees(lambda rows: rows[-3:-1] == ["> one", "  two"])
    john.press("Enter")
    john.says("deploy three")
    john.says(" not kept")
    john.sees("John │  not kept")
    john.press("Up")
    john.sees("> deploy three")
    john.press("Up")
    john.sees(lambda rows: rows[-3:-1] == ["> one", "  two"])
    john.press("C-c", "C-r")
    john.types("dep")
    john.looks("Searching what was typed", "> deploy three")
    john.press("Enter")
    john.sees(lambda rows: rows[-2] == "> deploy three")
    john.press("C-c")
    john.sees(lambda rows: rows[-2] == ">")
    john.press("C-c")
    john.sees("^C again to leave")
    john.types("x")
    john.sees(lambda rows: rows[-2] == "> x" and "^C" not in rows[-1])
    john.press("C-c", "C-c", "C-c")
    john.sees(lambda rows: rows[-1].startswith("$"))
    assert server.texts(room["id"]) == ["one\ntwo", "deploy three", " not kept"]


def test_a_long_paste_is_asked_about(people: tuple[Person, Person], server: Server, room: Any) -> None:
    john, ada = people
    text = "\n".join(f"pasted {n}" for n in range(7))
    john.pastes(text)
    john.sees("pasted 6")
    assert server.texts(room["id"]) == []
    john.press("Enter")
    john.looks("A long paste", "7 lines")
    john.press("C-c")
    john.sees(lambda rows: "7 lines" not in rows[-1])
    assert "  pasted 6" in john.rows
    john.press("Enter")
    john.sees("7 lines")
    john.press("Enter")
    ada.sees("pasted 6")
    assert server.texts(room["id"]) == [text]


def test_the_editor_has_the_terminal_for_itself(tmux: Tmux, room: Any, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "editing"\nread line\necho "$line" >>"$1"\n')
    editor.chmod(0o755)
    john = tmux.person("John", EDITOR=str(editor))
    john.joins(room["id"])
    ada = tmux.person("Ada")
    ada.joins(room["id"])
    john.types("a draft ")
    john.press("C-x", "C-e")
    john.sees("editing")
    ada.says("meanwhile")
    ada.sees("Ada │ meanwhile")
    assert not any("meanwhile" in row for row in john.rows)
    john.says("and more")
    john.sees("Ada │ meanwhile")
    john.sees(lambda rows: rows[-2] == "> a draft and more")


def test_suspended_the_shell_is_there_and_fg_brings_all_that_came(people: tuple[Person, Person]) -> None:
    john, ada = people
    john.types("half-typed")
    john.sees("> half-typed")
    john.press("C-z")
    john.sees(lambda rows: rows[-1].startswith("$"))
    assert not any("half-typed" in row for row in john.rows)
    john.says("echo in the shell")
    john.sees("in the shell")
    ada.says("while you were away")
    ada.sees("Ada │ while you were away")
    john.says("fg")
    john.sees("Ada │ while you were away")
    rows = john.sees(lambda rows: rows[-2] == "> half-typed" and rows[-1].startswith(CONNECTED))
    assert len(prompt_of(rows)) == 1


@pytest.mark.parametrize("columns", [30, 50, 120])
def test_a_window_of_another_size_has_one_prompt_and_no_ghost(people: tuple[Person, Person], columns: int) -> None:
    john, ada = people
    draft = "a draft that is long enough to need two rows of the window, and more where it is narrower"
    john.types(draft)
    john.sees("narrower")
    john.resize(columns)
    ada.says("after")
    john.sees("after")
    john.sees(lambda rows: len(prompt_of(rows)) == 1 and draft_of(rows) == draft.replace(" ", ""))
    assert sum("● connected" in row for row in john.rows) == 1


def test_five_hundred_messages_a_second_leave_the_draft_alone_and_come_once_and_in_order(
    people: tuple[Person, Person], server: Server, room: Any
) -> None:
    john, _ = people
    typed = "typed while it rained"

    async def rain() -> None:
        loop = asyncio.get_running_loop()
        async with chatty.join(server.url, room["id"], name="rain", participate=False) as sender:
            began = loop.time()
            for number in range(1_500):
                await sender.post(f"drop {number}")
                if number % 60 == 0 and number // 60 < len(typed):
                    await asyncio.to_thread(john.types, typed[number // 60])
                await asyncio.sleep(max(0.0, began + number / 500 - loop.time()))

    asyncio.run(rain())
    john.sees("drop 1499")
    rows = john.sees(lambda rows: rows[-2] == f"> {typed}" and rows[-1].startswith(CONNECTED))
    assert len(rows) == ROWS
    drops = [int(row.rpartition(" ")[2]) for row in john.all if "rain │ drop" in row]
    assert drops == list(range(1_500))
    assert len(prompt_of(john.all)) == 1


def test_when_the_room_is_closed_it_says_so_and_the_shell_is_back(
    people: tuple[Person, Person], server: Server, room: Any
) -> None:
    john, ada = people
    server.ask("DELETE", f"/v1/rooms/{room['id']}", token=room["owner_token"])
    john.sees(lambda rows: "the room is closed" in "\n".join(rows) and rows[-1].startswith("$"))
    ada.sees(lambda rows: rows[-1].startswith("$"))


def test_every_screen_of_the_document_is_one_of_these() -> None:
    tests = Path(__file__), Path(__file__).with_name("test_calm.py")
    played = "".join(test.read_text("utf-8") for test in tests)
    for title in documented():
        assert f'"{title}"' in played
