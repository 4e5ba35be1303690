"""What one says to the room waits for its ack, and comes back if it is refused."""

from __future__ import annotations

import asyncio
import errno

from chatty.errors import Disconnected, Refused
from chatty.protocol import Ack
from tests.cli.join.talk import by, talking


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
        await talk.shows("✗ not sent: Slower. (3 s)")
        assert talk.shown[-1] == "  too fast"
        assert talk.returned() == ["too fast"]
        assert talk.returned() == []
        assert talk.conversation.pending() == []


async def test_what_was_never_acked_is_left_behind() -> None:
    async with talking() as talk:
        await talk.posts("lost?")
        talk.link.acks[0].set_exception(Disconnected(1006))
        await asyncio.sleep(0)
        assert [line.plain for line in talk.conversation.unsent()] == [
            "✗ not sent: the server didn't confirm it",
            "  lost?",
        ]


async def test_a_message_that_was_refused_unseen_is_left_behind() -> None:
    async with talking() as talk:
        await talk.posts("too fast")
        talk.conversation.turn_away()
        talk.link.acks[0].set_exception(Refused("rate_limited", "Slower."))
        await asyncio.sleep(0)
        assert [line.plain for line in talk.conversation.unsent()] == ["✗ not sent: it was refused", "  too fast"]


async def test_a_message_that_a_full_disk_cannot_keep_comes_back() -> None:
    async with talking() as talk:
        talk.link.fails = OSError(errno.ENOSPC, "No space left on device")
        assert talk.conversation.enter("hello")
        await talk.shows("✗ not sent: it can't be kept until it is acked (No space left on device)")
        assert talk.returned() == ["hello"]
        talk.link.fails = None
        await talk.posts("hello")


async def test_a_refused_command_comes_back_as_it_was_typed() -> None:
    async with talking() as talk:
        await talk.says("//not a command")
        talk.link.acks[0].set_exception(Refused("muted"))
        await talk.says("/nick Ada")
        talk.link.acks[1].set_exception(Refused("name_taken", "Taken."))
        await talk.shows("✗ not sent: Taken.")
        assert talk.returned() == ["//not a command", "/nick Ada"]


async def test_a_reaction_that_was_there_says_so() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1))
        await talk.says("/react :tada:")
        talk.link.acks[0].set_result(Ack(n=1))
        await talk.shows("-- that was so already")


async def test_a_reaction_whose_ack_was_lost_is_not_said_to_have_been_there() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1))
        await talk.says("/react :tada:")
        talk.link.acks[0].set_result(Ack(n=1, duplicate=True))
        await talk.hears(by("Bob", 2, "nice"))
        assert not any("that was so already" in line for line in talk.lines())
