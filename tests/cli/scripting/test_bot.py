"""Programs that answer each other: they know of each other, and where they don't, they stay slow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chatty
from chatty.client.http import Http
from tests.cli.commands.test_bot import bot, ended, say
from tests.cli.commands.test_send import wait_until
from tests.cli.user import User
from tests.support.server import Server


@pytest.fixture
def cursors(tmp_path: Path) -> list[Path]:
    return [tmp_path / name for name in ("a", "b")]


def said(server: Server, room: str) -> list[tuple[str, int]]:
    """Who said something, and at which place in a row of programs that is."""
    return [(event["participant"], event.get("automatic", 0)) for event in server.history(room)]


def position(cursor: Path) -> int:
    return int(cursor.read_text().partition('"seq":')[2].partition(",")[0].rstrip("}\n"))


def test_bots_do_not_answer_each_other(user: User, server: Server, room: str, cursors: list[Path]) -> None:
    first, second = (
        bot(user, room, cursor, "--on", ".", "--name", cursor.name, "--", "echo", "hi") for cursor in cursors
    )
    say(server, room, "hello")
    wait_until(lambda: len(server.history(room)) == 3)
    wait_until(lambda: all(position(cursor) == 3 for cursor in cursors))
    assert sorted(said(server, room)) == [("Ada", 0), ("a", 1), ("b", 1)]
    for process in (first, second):
        process.terminate()
        told = ended(process, 143)
        assert told.count("\n") == 1
        assert "not answered, because it is by a program (--automatic answers these, too)" in told


def test_bots_that_may_answer_each_other_stop_after_the_third_message_in_a_row(
    user: User, server: Server, room: str, cursors: list[Path]
) -> None:
    first, second = (
        bot(user, room, cursor, "--automatic", "--on", ".", "--name", cursor.name, "--", "echo", "hi")
        for cursor in cursors
    )
    say(server, room, "hello")
    wait_until(lambda: len(server.history(room)) == 7)
    wait_until(lambda: all(position(cursor) == 7 for cursor in cursors))
    assert sorted(generation for _, generation in said(server, room)) == [0, 1, 1, 2, 2, 3, 3]
    for process in (first, second):
        process.terminate()
        assert "not answered, because it ends a chain of 3 automatic messages" in ended(process, 143)


@pytest.mark.parametrize(
    ("options", "reason"), [((), "it is by a program"), (("--automatic",), "it ends a chain of 3 automatic messages")]
)
async def test_programs_that_are_not_answered_are_mentioned_once(
    user: User, server: Server, room: str, cursors: list[Path], options: tuple[str, ...], reason: str
) -> None:
    process = bot(user, room, cursors[0], *options, "--on", ".", "--", "echo", "hi")
    async with Http(server.url) as http:
        for generation in (3, 3, 4, 10):
            await http.send(room, "again", name="loop", automatic=generation)
    wait_until(lambda: position(cursors[0]) == 4)
    process.terminate()
    told = ended(process, 143)
    assert told.startswith(f"note:  message 1: not answered, because {reason}")
    assert told.count("\n") == 1


async def test_a_loop_with_a_program_that_does_not_say_that_it_is_one_is_slowed_down_and_loses_nothing(
    user: User, server: Server, room: str, cursors: list[Path]
) -> None:
    process = bot(user, room, cursors[0], "--on", "^hi", "--per-minute", "3", "--", "echo", "hello")
    answered: list[Any] = []
    async with chatty.join(server.url, room, name="unmarked") as other:
        await other.send("hi 0")
        async for event in other:
            if isinstance(event, chatty.Message) and event.participant == "bot":
                answered.append(event.reply_to)
                await other.send(f"hi {len(answered)}")
            if len(answered) == 3:
                break
    assert process.stderr is not None
    told = [process.stderr.readline().decode() for _ in range(2)]
    assert told == [
        "note:  everybody who knows this room's id can run the command; --from NAME limits that\n",
        "note:  3 replies in a minute; further ones have to wait\n",
    ]
    process.terminate()
    ended(process, 143)
    assert len([who for who, _ in said(server, room) if who == "bot"]) == 3
    bot(user, room, cursors[0], "--on", "^hi", "--", "echo", "hello")
    wait_until(lambda: len([who for who, _ in said(server, room) if who == "bot"]) == 4)


async def test_messages_of_run_and_ask_are_marked(user: User, server: Server, room: str) -> None:
    user.run("run", room, "--", "true")
    user.run("ask", room, "Deploy?", "--timeout", "10ms", "--default", "no")
    assert {(who, automatic) for who, automatic in said(server, room)} == {("John", 1)}
