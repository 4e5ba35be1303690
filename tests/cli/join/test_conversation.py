"""What `chatty join` makes of what is typed and of what comes, without a terminal."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from chatty.cli.exits import ExitStatus
from chatty.cli.join.attention import Bell
from chatty.client.states import Reconnecting
from chatty.errors import ChattyError, Disconnected, Refused
from chatty.events import (
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    RoomClosed,
    TopicChanged,
)
from chatty.protocol import (
    Ack,
    Close,
    Delete,
    Edit,
    Gap,
    Live,
    React,
    Rename,
    Say,
    Send,
    SetTopic,
    Typing,
)
from tests.cli.join.talk import NOON, talking, welcome


async def test_what_is_typed_is_posted_in_order() -> None:
    async with talking() as talk:
        await talk.posts("one", "two", "three")
        assert talk.link.posted == ["one", "two", "three"]
        assert talk.conversation.pending() == ["one", "two", "three"]


async def test_an_ack_ends_the_waiting() -> None:
    async with talking() as talk:
        await talk.posts("one", "two")
        talk.link.acks[0].set_result(Ack(n=1, seq=1))
        await asyncio.sleep(0)
        assert talk.conversation.pending() == ["two"]


async def test_a_refused_message_is_said_and_comes_back() -> None:
    async with talking() as talk:
        await talk.posts("too fast")
        talk.link.acks[0].set_exception(Refused("rate_limited", "Slower.", retry_after=3))
        await talk.shows("✗ not sent: Slower. (3 s)\n  too fast")
        assert talk.conversation.returned() == ["too fast"]
        assert talk.conversation.returned() == []
        assert talk.conversation.pending() == []


async def test_what_was_never_acked_is_left_behind() -> None:
    async with talking() as talk:
        await talk.posts("lost?")
        talk.link.acks[0].set_exception(Disconnected(1006))
        await asyncio.sleep(0)
        assert [line.plain for line in talk.conversation.unsent()] == ["✗ not sent: no ack came\n  lost?"]


async def test_a_line_that_is_refused_at_once_stays_where_it_was_typed() -> None:
    async with talking() as talk:
        assert not talk.conversation.enter("/nonsense")
        assert not talk.conversation.enter("x" * 16_385)
        assert talk.conversation.enter("x" * 16_384)
        assert [line.split(":")[0] for line in talk.lines()] == [
            "!! Unknown /nonsense. See /help; to send it as text, begin with //",
            "!! too long",
        ]


async def test_those_here_are_counted_from_the_welcome_on() -> None:
    async with talking() as talk:
        talk.link.gives(
            welcome(last=5, count=3),
            ParticipantJoined(5, NOON, "counted already"),
            ParticipantJoined(6, NOON, "new"),
            ParticipantLeft(7, NOON, "gone", "left"),
            ParticipantJoined(8, NOON, "newer"),
            Live(8),
        )
        await talk.shows("newer")
        assert "4 online" in talk.status()


async def test_after_a_long_absence_the_newest_are_shown_and_the_others_counted() -> None:
    async with talking() as talk:
        talk.link.gives(welcome(last=1_312), *(Message(n, NOON, "bot", f"message {n}") for n in range(1, 1_313)))
        talk.link.gives(Live(1_312))
        await talk.shows("message 1312")
        assert talk.shown[0] == "… 812 skipped · /history 912"
        assert talk.shown[2].endswith("message 813")


async def test_a_gap_is_told() -> None:
    async with talking() as talk:
        talk.link.gives(Gap("retention", 10, 44))
        await talk.shows("-- gap: ")


async def test_a_lost_connection_counts_down() -> None:
    async with talking() as talk:
        talk.conversation.state_changed(Reconnecting(in_seconds=3.2, attempt=3, reason="refused"))
        assert talk.status().startswith(" ○ reconnecting in 4 s (3)")
        assert talk.conversation.ticking


async def test_leaving_waits_for_acks_that_are_about_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatty.cli.join.conversation.GRACE", 3_600.0)
    async with talking() as talk:
        await talk.posts("last words")
        talk.conversation.leave()
        await asyncio.sleep(0)
        assert not talk.running.done()
        talk.link.acks[0].set_result(Ack(n=1, seq=1))
        assert await asyncio.wait_for(talk.running, 20) == ExitStatus.DONE
        assert talk.conversation.unsent() == []


async def test_leaving_without_an_ack_has_to_be_said_twice() -> None:
    async with talking() as talk:
        await talk.posts("last words")
        talk.conversation.state_changed(Reconnecting(in_seconds=3.2, attempt=3, reason="refused"))
        talk.conversation.leave()
        await talk.shows("!! 1 message waits to be sent")
        assert not talk.running.done()
        talk.conversation.leave()
        assert await talk.running == ExitStatus.DONE


async def test_a_closed_room_ends_it_well_and_its_end_is_shown() -> None:
    async with talking() as talk:
        talk.link.gives(RoomClosed(1, NOON), None)
        assert await talk.running == ExitStatus.DONE
        assert any("the room is closed" in line for line in talk.lines())


@pytest.mark.parametrize("error", [Disconnected(Close.REMOVED, "banned"), Refused("name_taken")])
async def test_what_ended_the_connection_for_good_is_raised(error: ChattyError) -> None:
    async with talking() as talk:
        talk.link.gives(error)
        with pytest.raises(type(error)) as raised:
            await talk.running
        assert raised.value is error


def by(name: str, seq: int, text: str = "hello") -> Message:
    return Message(seq, NOON, name, text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/me waves", Send("waves", action=True)),
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
    ["/reply hi", "/edit x", "/delete", "/delete that", "/delete #0", "/react :+1:", "/reply @Eve hi", "/unignore Eve"],
)
async def test_a_command_about_nothing_says_so_and_stays_in_the_line(line: str) -> None:
    async with talking() as talk:
        assert not talk.conversation.enter(line)
        assert talk.lines()[-1].startswith("!! ")
        assert talk.link.said == []


async def test_a_refused_command_comes_back_as_it_was_typed() -> None:
    async with talking() as talk:
        await talk.says("//not a command")
        talk.link.acks[0].set_exception(Refused("muted"))
        await talk.says("/nick Ada")
        talk.link.acks[1].set_exception(Refused("name_taken", "Taken."))
        await talk.shows("✗ not sent: Taken.\n  /nick Ada")
        assert talk.conversation.returned() == ["//not a command", "/nick Ada"]


async def test_an_edit_without_text_brings_the_own_last_message_back_as_it_is_now() -> None:
    async with talking() as talk:
        await talk.hears(by("John", 1, "first"), MessageEdited(2, NOON, "John", 1, "second"))
        assert talk.conversation.enter("/edit")
        assert talk.conversation.returned() == ["/edit second"]


async def test_what_is_still_on_its_way_is_not_edited() -> None:
    async with talking() as talk:
        await talk.hears(by("John", 1))
        await talk.posts("new")
        assert not talk.conversation.enter("/edit newer")
        talk.link.acks[0].set_result(Ack(n=1, seq=2))
        await asyncio.sleep(0)
        assert await talk.says("/edit newer") == Edit(2, "newer")


async def test_a_deleted_message_is_no_longer_the_last_one() -> None:
    async with talking() as talk:
        await talk.hears(by("John", 1), by("John", 2), MessageDeleted(3, NOON, "John", 2))
        assert await talk.says("/edit x") == Edit(1, "x")


async def test_under_a_new_name_one_is_still_oneself() -> None:
    async with talking() as talk:
        await talk.hears(by("John", 1), ParticipantRenamed(2, NOON, "John", "Jo"), by("Jo", 3))
        assert await talk.says("/delete") == Delete(3)


async def test_a_reaction_that_was_there_says_so() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1))
        await talk.says("/react :tada:")
        talk.link.acks[0].set_result(Ack(n=1))
        await talk.shows("-- that was so already")


async def test_the_topic_is_told() -> None:
    async with talking() as talk:
        talk.conversation.enter("/topic")
        await talk.shows("-- no topic yet")
        await talk.hears(TopicChanged(1, NOON, "Ada", "what goes out"))
        talk.conversation.enter("/topic")
        await talk.shows("-- topic: what goes out")


async def test_who_is_ignored_is_not_shown_under_any_name_until_that_is_taken_back() -> None:
    async with talking() as talk:
        talk.conversation.enter("/ignore @bob")
        await talk.hears(by("Bob", 1, "hidden"), ParticipantRenamed(2, NOON, "Bob", "Rob"), by("Rob", 3, "hidden"))
        assert not talk.conversation.enter("/reply @Rob hello")
        talk.conversation.enter("/unignore Rob")
        await talk.hears(by("Rob", 4, "seen"))
        assert not any("hidden" in line for line in talk.lines())
        assert any("seen" in line for line in talk.lines())


async def test_quiet_hides_who_comes_and_goes() -> None:
    async with talking() as talk:
        talk.conversation.enter("/quiet")
        await talk.hears(ParticipantJoined(1, NOON, "Ada"), ParticipantLeft(2, NOON, "Ada", "left"))
        assert not any("Ada" in line for line in talk.lines())
        talk.conversation.enter("/quiet")
        await talk.hears(ParticipantJoined(3, NOON, "Bob"))
        assert any("Bob joined" in line for line in talk.lines())


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


async def test_the_prompt_is_drawn_until_somebody_counts_as_away_and_is_told_what_is_new() -> None:
    async with talking() as talk:
        assert not talk.conversation.ticking
        await talk.hears(by("Bob", 1))
        assert talk.conversation.ticking
        talk.time += 3_600
        assert talk.conversation.news() != ""
        assert not talk.conversation.ticking


async def test_what_is_new_since_the_last_key_is_told_to_somebody_who_was_away() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1))
        assert talk.conversation.news() == ""
        talk.time += 3_600
        await talk.hears(by("Bob", 2), by("John", 3))
        assert talk.conversation.news() == "── 4 new since 12:00 ──"  # each time one more says that all was heard
        talk.conversation.pressed()
        assert talk.conversation.news() == ""


async def test_who_is_mentioned_is_told_in_the_status_and_in_the_title_and_by_one_bell() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1, "hello all"))
        assert not talk.conversation.rings()
        assert talk.conversation.title() == "#general"
        await talk.hears(by("Bob", 2, "@john ping"), by("Ada", 3, "John: pong"), by("John", 4, "I am John"))
        assert "· 2 mentions ·" in talk.status()
        assert talk.conversation.title() == "(2) #general"
        assert talk.conversation.rings()
        assert not talk.conversation.rings()
        talk.conversation.pressed()
        assert "mention" not in talk.status()
        assert talk.conversation.title() == "#general"


@pytest.mark.parametrize(("bell", "rings", "title"), [("all", True, "(2) #general"), ("off", False, "#general")])
async def test_the_bell_rings_for_what_was_chosen(bell: Bell, rings: bool, title: str) -> None:
    async with talking(bell) as talk:
        await talk.hears(by("Bob", 1, "hello all"))
        assert talk.conversation.rings() == rings
        assert talk.conversation.title() == title


async def test_what_was_said_before_one_came_is_no_news() -> None:
    async with talking("all", live=False) as talk:
        talk.link.gives(by("Bob", 1, "John!"), Live(1))
        await talk.shows("John!")
        assert not talk.conversation.rings()
        assert talk.conversation.title() == "#general"


async def test_what_is_ignored_rings_no_bell() -> None:
    async with talking("all") as talk:
        talk.conversation.enter("/ignore Bob")
        talk.conversation.enter("/ignore bot")
        talk.link.gives(by("Bob", 1, "John!"), Typing("Bob"), by("Ada", 2, "seen"))
        await talk.shows("seen")
        assert talk.conversation.title() == "(1) #general"
        assert "typing" not in talk.status()


async def test_who_types_is_told_until_it_is_said_or_some_seconds_have_gone_by() -> None:
    async with talking() as talk:
        await talk.hears(Typing("Bob"), Typing("John"))
        assert "Bob is typing…" in talk.status()
        assert talk.conversation.ticking
        await talk.hears(Typing("Ada"))
        assert "Bob and Ada are typing…" in talk.status()
        await talk.hears(by("Bob", 1))
        assert "Ada is typing…" in talk.status()
        talk.time += 5
        talk.conversation.pressed()
        assert "typing" not in talk.status()
        assert not talk.conversation.ticking


async def test_the_others_are_told_that_one_types() -> None:
    async with talking() as talk:
        talk.conversation.typing()
        assert talk.link.typed == 1


async def test_a_hostile_name_of_a_room_cannot_reach_the_title() -> None:
    async with talking() as talk:
        hostile = welcome()
        await talk.hears(structs.replace(hostile, room=structs.replace(hostile.room, name="a\x1b]0;b\x07\nc")), Live(0))
        assert talk.conversation.title().isprintable()


async def test_the_time_can_be_left_out() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1, "with"))
        talk.conversation.enter("/timestamp")
        await talk.hears(by("Bob", 2, "without"))
        timed = {line.split()[-1]: line[:1].isdigit() for line in talk.lines() if "Bob" in line}
        assert timed == {"with": True, "without": False}
