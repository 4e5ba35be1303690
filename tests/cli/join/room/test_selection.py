"""The message that one points at with keys."""

from __future__ import annotations

import asyncio

import pytest

from chatty.errors import Refused
from chatty.events import MessageDeleted, MessageEdited
from chatty.protocol import Ack, Delete, Edit, Gap, React, Say, Send
from tests.cli.join.talk import NOON, Talk, by, talking


def row(talk: Talk) -> str:
    """The row above the prompt, with nothing in the line."""
    talk.conversation.drafted("")
    return talk.conversation.target()


async def test_up_and_down_go_through_the_messages_and_beyond_the_newest_is_none() -> None:
    async with talking() as talk:
        await talk.sees(by("Ada", 1, "shall we deploy?"), by("John", 2, "yes"))
        selection = talk.conversation.selection
        assert row(talk) == ""
        assert selection.up()
        assert row(talk) == "↩ 12:00 John │ yes"
        assert selection.up()
        assert selection.up()
        assert row(talk) == "↩ 12:00 Ada │ shall we deploy?"
        assert selection.down()
        assert row(talk) == "↩ 12:00 John │ yes"
        assert selection.down()
        assert row(talk) == ""


async def test_where_nothing_was_said_there_is_nothing_to_select() -> None:
    async with talking() as talk:
        assert not talk.conversation.selection.up()
        assert not talk.conversation.selection.down()
        await talk.gets(by("Ada", 1))  # which isn't on the screen yet
        assert not talk.conversation.selection.up()


async def test_neither_deleted_messages_nor_those_of_ignored_people_are_selected() -> None:
    async with talking() as talk:
        await talk.sees(by("Ada", 1), by("Eve", 2), by("Bob", 3), MessageDeleted(4, NOON, "Bob", 3))
        assert talk.conversation.enter("/ignore Eve")
        await talk.sees(by("Eve", 5))
        talk.conversation.selection.up()
        assert row(talk) == "↩ 12:00 Ada │ hello"


async def test_what_comes_in_does_not_move_the_selection() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.conversation.selection.up()
        await talk.sees(by("ci", 2, "Drop the database?"))
        assert row(talk) == "↩ 12:00 Jane │ lunch?"
        assert await talk.says("yes") == Send("yes", reply_to=1)
        assert row(talk) == ""


async def test_what_stands_in_the_row_is_cleaned_and_on_one_line() -> None:
    async with talking() as talk:
        await talk.sees(by("E\x1bve", 1, "one\x1b[31m\n\u202etwo"))
        talk.conversation.selection.up()
        assert row(talk) == "↩ 12:00 E␛ve │ one␛[31m <U+202E>two"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("yes", Send("yes", reply_to=2)),
        ("//yes", Send("/yes", reply_to=2)),
        ("/me nods", Send("nods", reply_to=2, action=True)),
        ("/reply yes", Send("yes", reply_to=2)),
        ("/react :+1:", React(2, "👍")),
        ("/unreact :+1:", React(2, "👍", remove=True)),
        ("/edit hello", Edit(2, "hello")),
        ("/delete", Delete(2)),
    ],
)
async def test_what_is_said_is_about_the_selected_message_and_lets_go_of_it(line: str, said: Say) -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1), by("John", 2, "helo"), by("John", 3), by("Bob", 4))
        for _ in range(3):
            talk.conversation.selection.up()
        talk.types(line)
        assert talk.conversation.target() == "↩ 12:00 John │ helo"
        assert await talk.says(line) == said
        assert row(talk) == ""


@pytest.mark.parametrize(
    ("line", "shown", "said"),
    [
        ("/reply @Jane yes", "↪ Jane: hello", Send("yes", reply_to=1)),
        ("/react :+1: #1", "↪ Jane: hello", React(1, "👍")),
        ("/delete #7", "↪ #7", Delete(7)),
    ],
)
async def test_a_command_that_points_elsewhere_leaves_the_selection(line: str, shown: str, said: Say) -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1), by("John", 2, "helo"))
        talk.conversation.selection.up()
        assert talk.types(line) == shown
        assert await talk.says(line) == said
        assert row(talk) == "↩ 12:00 John │ helo"


async def test_the_selected_message_comes_back_to_be_edited_and_is_the_one_that_is() -> None:
    async with talking() as talk:
        await talk.sees(by("John", 1, "mine"), by("John", 2, "newer"))
        talk.conversation.selection.up()
        talk.conversation.selection.up()
        talk.types("/edit")
        assert talk.conversation.enter("/edit")
        assert talk.returned() == ["/edit mine"]
        assert talk.conversation.target() == "↩ 12:00 John │ mine"
        assert await talk.says("/edit mine, too") == Edit(1, "mine, too")


async def test_only_ones_own_message_is_edited() -> None:
    async with talking() as talk:
        await talk.sees(by("John", 1, "mine"), by("Jane", 2))
        talk.conversation.selection.up()
        assert talk.refuses("/edit x").startswith("!! that message is somebody else's")
        talk.conversation.selection.up()
        assert talk.conversation.act("/edit")
        assert talk.returned() == ["/edit mine"]
        await talk.sees(by("John", 3, "newer"))
        assert await talk.says("/edit mine, too") == Edit(1, "mine, too")


@pytest.mark.parametrize("line", ["yes", "/react :+1:"])
async def test_a_selected_message_that_goes_or_changes_is_said_instead_of_sending(line: str) -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.conversation.selection.up()
        await talk.sees(MessageEdited(2, NOON, "Jane", 1, "drop the database?"))
        assert row(talk) == "↩ 12:00 Jane │ (changed meanwhile) drop the database?"
        assert not talk.conversation.enter(line)
        assert talk.lines()[-1].startswith("!! that message was changed meanwhile")
        await talk.sees(MessageDeleted(3, NOON, "Jane", 1))
        assert row(talk) == "↩ 12:00 Jane │ (deleted)"
        assert not talk.conversation.enter(line)
        assert talk.lines()[-1] == "!! that message was deleted meanwhile; nothing was sent"
        assert talk.link.said == []


async def test_a_number_that_was_given_away_anew_is_not_answered() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.conversation.selection.up()
        await talk.sees(Gap("epoch", 1, 0), by("ci", 1, "Drop the database?"))
        assert not talk.conversation.enter("yes")
        assert talk.lines()[-1].startswith("!! the server's data was replaced meanwhile")


async def test_a_text_that_comes_back_answers_what_it_answered() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"))
        talk.conversation.selection.up()
        await talk.says("yes")
        await talk.sees(by("ci", 2))
        talk.link.acks[0].set_exception(Refused("rate_limited", "Slower."))
        await talk.shows("not sent")
        assert talk.returned() == ["yes"]
        assert talk.conversation.target() == "↩ 12:00 Jane │ lunch?"
        assert await talk.says("yes") == Send("yes", reply_to=1)


async def test_what_a_key_does_leaves_the_line_that_is_being_typed() -> None:
    async with talking() as talk:
        await talk.sees(by("Jane", 1, "lunch?"), by("Bob", 2))
        assert talk.types("/reply @Jane ye") == "↪ Jane: lunch?"
        talk.conversation.selection.up()
        assert talk.conversation.act("/react 🎉")
        assert await talk.posted(0) == React(2, "🎉")
        assert talk.types("/reply @Jane yes") == "↪ Jane: lunch?"


async def test_ones_own_message_can_be_selected_as_soon_as_it_is_on_the_screen() -> None:
    async with talking() as talk:
        await talk.posts("hello")
        talk.link.acks[0].set_result(Ack(n=1, seq=1))
        await asyncio.sleep(0)
        assert not talk.conversation.selection.up()
        await talk.sees(by("John", 1, "hello"))
        assert talk.conversation.selection.up()
        assert talk.conversation.selection.is_mine
        assert row(talk) == "↩ 12:00 John │ hello"
