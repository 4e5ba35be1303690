"""What moderators type in `chatty join`, and what they and others see of it: a real server, without a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

import chatty
from chatty.cli.join.conversation import Conversation
from chatty.client.http import Http
from chatty.errors import Disconnected
from tests.cli.join.talk import NoOther
from tests.support.server import PATIENCE, Server

OWNER, BOB, EVE = "o" * 43, "b" * 43, "e" * 43


class Person:
    """Somebody at `chatty join`: types lines, and sees others."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.shown: list[str] = []
        self.running: asyncio.Task[None]

    def lines(self) -> list[str]:
        self.shown += [line.plain for line in self.conversation.take() if not line.plain.startswith("━━ ")]
        return self.shown

    async def sees(self, *parts: str) -> None:
        """Waits for a line that has all the parts."""
        await self.until(lambda: any(all(part in line for part in parts) for line in self.lines()))

    def has_more_than(self, lines: int) -> bool:
        return len(self.lines()) > lines

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.conversation.changed.clear()
                await self.conversation.changed.wait()

    def types(self, line: str) -> None:
        self.conversation.drafted(line)
        assert self.conversation.enter(line), self.lines()[-1]

    def refuses(self, line: str) -> str:
        self.conversation.drafted(line)
        assert not self.conversation.enter(line)
        self.conversation.drafted("")
        return self.lines()[-1]


class House:
    """A room of Olga's, with those who were let in."""

    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        self.server = server
        self.room = server.ask("POST", "/v1/rooms", {"name": "talk"}, token=OWNER)["id"]
        self._stack = stack

    async def enters(self, name: str, key: str) -> Person:
        http = await self._stack.enter_async_context(Http(self.server.url, key=key))
        conversation = Conversation(
            http, self.room, "talk", switcher=NoOther(), clock=asyncio.get_running_loop().time, now=time.time
        )
        conversation.look()
        room = await self._stack.enter_async_context(
            chatty.join(self.server.url, self.room, name=name, key=key, on_state=conversation.state_changed)
        )
        person = Person(conversation)
        person.running = asyncio.create_task(conversation.run(room))
        self._stack.callback(person.running.cancel)
        await person.until(lambda: bool(conversation.can()))
        return person


@pytest.fixture
async def house(server: Server) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        yield House(server, stack)


async def test_a_moderator_does_everything_and_the_members_see_it(house: House) -> None:
    olga, bob, eve = (
        await house.enters("Olga", OWNER),
        await house.enters("Bob", BOB),
        await house.enters("Eve L.", EVE),
    )
    assert (set(olga.conversation.can()), set(eve.conversation.can())) == (
        {"read", "post", "moderate", "own"}, {"read", "post"},
    )  # fmt: skip
    olga.types("/role Bob moderator")
    await olga.sees("-- Bob has the role moderator now")
    await bob.sees("-- you may moderate here now")
    assert "moderate" in bob.conversation.can()

    bob.types("/mute Eve L. 1h too loud")
    await bob.sees("-- Eve L. is muted until ", "(by key or token, name)")
    await eve.sees("-- Bob muted Eve L. until ", ": too loud")
    eve.types("hello?")
    await eve.sees("✗ not sent: You are muted")
    bob.types("/unmute @eve l.")
    await eve.sees("-- Bob let Eve L. speak again")

    bob.types("/lock")
    await eve.sees("-- Bob locked the room: only moderators speak")
    bob.types("/unlock")
    await eve.sees("-- Bob unlocked the room")

    bob.types("/slow 30s")
    await eve.sees("-- Bob slowed the room down: 30 s between messages")
    eve.types("first")
    await bob.sees("first")
    eve.types("second")
    await eve.until(lambda: eve.conversation.status().slow_until > 0)
    bob.types("/slow off")
    await eve.sees("-- Bob ended the slow mode")
    await bob.sees("second")

    (number,) = [event["seq"] for event in house.server.history(house.room) if event.get("text") == "first"]
    bob.types(f"/delete #{number}")
    await eve.sees("-- Bob deleted a message of Eve L.")

    bob.types("/kick Eve L. go to bed")
    await olga.sees("-- Bob sent Eve L. away: go to bed")
    with pytest.raises(Disconnected):
        await asyncio.wait_for(eve.running, PATIENCE)
    bob.types(f"/ban #{number} spam of the worst kind")
    await olga.sees("-- Bob banned Eve L.: spam of the worst kind")
    bob.types("/unban Eve L.")
    await olga.sees("-- Bob let Eve L. in again")
    bob.types("/unban Eve L.")
    await bob.sees("-- nobody called Eve L. is banned here")


async def test_what_a_member_may_not_do_the_server_refuses(house: House) -> None:
    eve = await house.enters("Eve", EVE)
    for line in ("/kick Eve", "/ban Eve", "/mute Eve 1h", "/unmute Eve", "/lock", "/slow 5s", "/role Eve member"):
        before = len(eve.lines())
        eve.types(line)
        await eve.until(partial(eve.has_more_than, before))
        assert eve.shown[-1] == "!! You may not do that here; `chatty whoami` shows what you may."


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/slow fast", "!! /slow takes a length of time"),
        ("/slow 2d", "!! /slow takes a length of time"),
        ("/role Eve", "!! /role takes a name and a role"),
        ("/role Eve king", "!! /role takes a name and a role"),
        ("/role Eve L. member", "!! nobody called Eve L. is here"),
        ("/role #4 member", "!! nobody called <U+0023>4 is here"),
        ("/ban Eve 0s", "!! /ban takes a time that is more than none"),
        ("/kick @", "!! whose name comes after the @?"),
        ("/lock now", "!! /lock takes no argument"),
    ],
)
async def test_a_line_that_makes_no_sense_is_refused_before_it_is_sent(house: House, line: str, why: str) -> None:
    olga = await house.enters("Olga", OWNER)
    assert olga.refuses(line).startswith(why)


async def test_somebody_who_was_never_seen_is_banned_by_a_name_of_one_word(house: House) -> None:
    olga = await house.enters("Olga", OWNER)
    olga.types("/ban Ghost 1h \x1b[2Jspam")
    await olga.sees("-- Ghost is banned until ", "(by name)")
    await olga.sees("-- Olga banned Ghost until ", ": ␛[2Jspam")
