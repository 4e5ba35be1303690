"""What `chatty join` makes of what is typed, without a terminal."""

from __future__ import annotations

import pytest

from chatty.errors import ChattyError, Disconnected, Refused
from chatty.events import (
    RoomClosed,
    TopicChanged,
)
from chatty.protocol import Close, Delete, Edit, Live, React, Rename, Say, Send, SetTopic
from tests.cli.join.talk import NOON, by, talking


async def test_a_line_that_is_refused_at_once_stays_where_it_was_typed() -> None:
    async with talking() as talk:
        assert not talk.conversation.enter("/nonsense")
        assert not talk.conversation.enter("x" * 16_385)
        assert talk.conversation.enter("x" * 16_384)
        assert [line.split(":")[0] for line in talk.lines()] == [
            "!! Unknown /nonsense. See /help; to send it as text, begin with //",
            "!! too long",
        ]


async def test_a_closed_room_ends_it_well_and_its_end_is_shown() -> None:
    async with talking() as talk:
        talk.link.gives(RoomClosed(1, NOON), None)
        await talk.running
        assert any("the room is closed" in line for line in talk.lines())


@pytest.mark.parametrize("error", [Disconnected(Close.REMOVED, "banned"), Refused("name_taken")])
async def test_what_ended_the_connection_for_good_is_raised(error: ChattyError) -> None:
    async with talking() as talk:
        talk.link.gives(error)
        with pytest.raises(type(error)) as raised:
            await talk.running
        assert raised.value is error


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hello :wave:", Send("hello 👋")),
        ("//x :wave:", Send("/x 👋")),
        ("/me waves", Send("waves", action=True)),
        ("/me waves :wave: `:wave:`", Send("waves 👋 `:wave:`", action=True)),
        ("/reply sure :+1:", Send("sure 👍", reply_to=3)),
        ("/edit better :+1:", Edit(2, "better 👍")),
        ("/unreact :nosuch:", React(3, ":nosuch:", remove=True)),
        ("/reply sure", Send("sure", reply_to=3)),
        ("/reply #1 sure", Send("sure", reply_to=1)),
        ("/reply #0 sure", Send("#0 sure", reply_to=3)),  # no message has that number
        ("/reply @ada l.: sure", Send("sure", reply_to=1)),
        ("/edit better", Edit(2, "better")),
        ("/delete", Delete(2)),
        ("/delete #7", Delete(7)),
        ("/react :+1:", React(3, "👍")),
        ("/react nice #1", React(1, "nice")),
        ("/unreact nice @Ada L.", React(1, "nice", remove=True)),
        ("/topic what  goes out", SetTopic("what goes out")),
        ("/topic -", SetTopic("")),
        ("/nick Johnny", Rename("Johnny")),
    ],
)
async def test_a_command_says_it_to_the_room(line: str, said: Say) -> None:
    async with talking() as talk:
        talk.link.gives(by("Ada L.", 1), by("John", 2), by("Bob", 3))
        await talk.shows("Bob")
        assert await talk.says(line) == said
        assert talk.conversation.pending() == [line]


@pytest.mark.parametrize(
    "line",
    [
        "/reply hi",
        "/edit x",
        "/delete",
        "/delete that",
        "/delete #0",
        "/react :+1:",
        "/reply @Eve hi",
        "/unignore Eve",
    ],
)
async def test_a_command_about_nothing_says_so_and_stays_in_the_line(line: str) -> None:
    async with talking() as talk:
        assert not talk.conversation.enter(line)
        assert talk.lines()[-1].startswith("!! ")
        assert talk.link.said == []


async def test_a_reaction_by_a_name_that_no_emoji_has_is_refused() -> None:
    async with talking() as talk:
        await talk.sees(by("Ada", 1))
        assert talk.refuses("/react :tadda:") == "!! no emoji :tadda:. Did you mean :tada:?"
        assert talk.link.said == []


async def test_the_topic_is_told() -> None:
    async with talking() as talk:
        talk.conversation.enter("/topic")
        await talk.shows("-- no topic yet")
        await talk.hears(TopicChanged(1, NOON, "Ada", "what goes out"))
        talk.conversation.enter("/topic")
        await talk.shows("-- topic: what goes out")


async def test_the_window_is_cleared_once() -> None:
    async with talking() as talk:
        talk.conversation.enter("/clear")
        assert talk.conversation.changed.is_set()
        assert talk.conversation.clearing()
        assert not talk.conversation.clearing()


@pytest.mark.parametrize(
    ("line", "instead"), [("/clear", "your terminal's own keys or menu"), ("/edit", "with /edit TEXT")]
)
async def test_plain_lines_refuse_what_takes_a_prompt_and_say_what_to_do(line: str, instead: str) -> None:
    async with talking(plain=True) as talk:
        await talk.hears(by("John", 1))
        assert not talk.conversation.enter(line)
        assert talk.lines()[-1].startswith("!! ")
        assert talk.lines()[-1].endswith(instead)
        assert await talk.says("/edit better") == Edit(1, "better")


async def test_the_others_are_told_that_one_types() -> None:
    async with talking() as talk:
        talk.types("hi")
        assert talk.link.typed == 2
        talk.types("/who")
        assert talk.link.typed == 2


async def test_a_draft_of_an_earlier_run_is_about_the_message_that_is_shown_with_it() -> None:
    async with talking(live=False) as talk:
        talk.conversation.draft = "/reply yes"
        await talk.sees(by("Jane", 1, "shall we?"), Live(1))
        assert talk.conversation.target() == "↪ Jane: shall we?"
        await talk.sees(by("Bob", 2, "or not?"))
        assert await talk.says("/reply yes") == Send("yes", reply_to=1)
