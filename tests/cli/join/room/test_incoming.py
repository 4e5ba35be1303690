"""What comes from the room, and what a person is told of it."""

from __future__ import annotations

import pytest
from msgspec import structs

from chatty.cli.join.room.attention import Bell
from chatty.client.states import Offline, Reconnecting
from chatty.errors import Disconnected
from chatty.events import (
    Message,
    MessageEdited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
)
from chatty.protocol import Close, Gap, Live, RightsChanged, Typing
from tests.cli.join.talk import NOON, by, talking, welcome


async def test_those_here_are_counted_from_the_welcome_on() -> None:
    async with talking() as talk:
        talk.link.gives(
            welcome(last=5, count=3),
            ParticipantJoined(5, NOON, "counted already"),
            ParticipantJoined(6, NOON, "new"),
            ParticipantLeft(7, NOON, "gone", "left"),
            ParticipantJoined(8, NOON, "newer"),
            Live(8),
            by("Ada", 9, "hello"),
        )
        await talk.shows("hello")
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


async def test_what_one_may_do_now_is_told_when_it_changes() -> None:
    async with talking() as talk:
        for can, told in (
            (["read"], "only read"),
            (["read", "post"], "speak"),
            (["read", "post", "moderate"], "moderate"),
            (["read", "post", "moderate", "own"], "do everything"),
        ):
            talk.link.gives(RightsChanged(can))
            await talk.shows(f"-- you may {told} here now")


async def test_a_lost_connection_counts_down() -> None:
    async with talking() as talk:
        talk.conversation.state_changed(Reconnecting(in_seconds=3.2, attempt=3, reason="refused"))
        assert talk.status().startswith(" ○ reconnecting in 4 s (3)")
        assert talk.conversation.ticking


async def test_who_is_ignored_is_not_shown_under_any_name_until_that_is_taken_back() -> None:
    async with talking() as talk:
        await talk.gets(ParticipantJoined(0, NOON, "Bob"))
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


async def test_who_is_mentioned_is_told_in_the_status_and_in_the_title_and_by_one_bell() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1, "hello all"))
        assert not talk.conversation.rings()
        assert talk.title() == "#general"
        await talk.hears(by("Bob", 2, "@john ping"), by("Ada", 3, "John: pong"), by("John", 4, "I am John"))
        assert "· 2 mentions ·" in talk.status()
        assert talk.title() == "(2) #general"
        assert talk.conversation.rings()
        assert not talk.conversation.rings()
        talk.conversation.pressed()
        assert "mention" not in talk.status()
        assert talk.title() == "#general"


@pytest.mark.parametrize(("bell", "rings", "title"), [("all", True, "(2) #general"), ("off", False, "#general")])
async def test_the_bell_rings_for_what_was_chosen(bell: Bell, rings: bool, title: str) -> None:
    async with talking(bell) as talk:
        await talk.hears(by("Bob", 1, "hello all"))
        assert bool(talk.conversation.rings()) == rings
        assert talk.title() == title


async def test_an_edit_that_adds_a_mention_is_news_and_rings() -> None:
    async with talking() as talk:
        await talk.sees(by("Bob", 1, "helo"), by("Eve", 2, "hi John"))
        talk.conversation.rings()
        talk.conversation.pressed()
        await talk.sees(MessageEdited(3, NOON, "Bob", 1, "hello"), MessageEdited(4, NOON, "Eve", 2, "hello John"))
        assert not talk.conversation.rings()
        assert talk.title() == "#general"
        await talk.sees(MessageEdited(5, NOON, "Bob", 1, "hello @john"), MessageEdited(6, NOON, "Bob", 77, "John: hi"))
        assert talk.conversation.rings()
        assert talk.title() == "(2) #general"
        talk.conversation.pressed()
        await talk.sees(MessageEdited(7, NOON, "John", 1, "I am John"))
        assert talk.title() == "#general"


async def test_what_was_said_before_one_came_is_no_news() -> None:
    async with talking("all", live=False) as talk:
        talk.link.gives(by("Bob", 1, "John!"), Live(1))
        await talk.shows("John!")
        assert not talk.conversation.rings()
        assert talk.title() == "#general"


async def test_what_is_ignored_rings_no_bell() -> None:
    async with talking("all") as talk:
        await talk.gets(ParticipantJoined(0, NOON, "Bob"))
        talk.conversation.enter("/ignore Bob")
        talk.link.gives(by("Bob", 1, "John!"), Typing("Bob"), by("Ada", 2, "seen"))
        await talk.shows("seen")
        assert talk.title() == "(1) #general"
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


async def test_a_hostile_name_of_a_room_cannot_reach_the_title() -> None:
    async with talking() as talk:
        hostile = welcome()
        await talk.hears(structs.replace(hostile, room=structs.replace(hostile.room, name="a\x1b]0;b\x07\nc")), Live(0))
        assert talk.title().isprintable()


async def test_the_time_can_be_left_out() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1, "with"))
        talk.conversation.enter("/timestamp")
        await talk.hears(by("Bob", 2, "without"))
        timed = {line.split()[-1]: line[:1].isdigit() for line in talk.lines() if "Bob" in line}
        assert timed == {"with": True, "without": False}


@pytest.mark.parametrize("early", [True, False])
async def test_a_connection_that_ends_for_good_in_a_replay_leaves_what_came_to_be_shown(early: bool) -> None:
    async with talking(live=False) as talk:
        if early:  # the connection tells at once; what it brought may still wait to be heard
            talk.conversation.state_changed(Offline("gone"))
        talk.link.gives(welcome(2), by("Ada", 1, "one"), by("Ada", 2, "two"), Disconnected(Close.REMOVED, "banned"))
        with pytest.raises(Disconnected):
            await talk.running
        if not early:
            talk.conversation.state_changed(Offline("gone"))
        assert [line for line in talk.lines() if "Ada" in line or "two" in line]
