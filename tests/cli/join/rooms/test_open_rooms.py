"""Several rooms in one transcript: real rooms of a real server, and no terminal."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatty.cli.config import Profile
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure
from chatty.cli.join.rooms.entrance import Entrance
from chatty.cli.join.rooms.open_rooms import OpenRooms
from chatty.cli.join.rooms.places import OpenedRoom, Places
from chatty.cli.join.settings.preferences import Sources
from chatty.cli.targets import RoomTarget
from chatty.client.http import Http
from chatty.errors import Refused
from tests.support.server import PATIENCE, Server

NOWHERE = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"
KEY, OTHER = "k" * 43, "o" * 43


class House:
    """Rooms by their names, and somebody who opens them again and again."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.ids: dict[str, str] = {}
        self.owner_tokens: dict[str, str] = {}
        directories = (directory / "config", directory / "state")
        self.env = Environment(
            environ={}, stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO(), directories=directories
        )

    def entrance(self, name: str) -> Entrance:
        if name not in self.ids:
            made = self.server.make_room(name)
            self.ids[name], self.owner_tokens[name] = made["id"], made["owner_token"]
        return Entrance(RoomTarget(self.server.url, self.ids[name], name, Profile("default")), name, "John", KEY)

    async def door(self, text: str, warn: Callable[[str], None]) -> Entrance:
        if text == "forgotten":
            warn("the room is not remembered")
        if text.startswith("no"):
            raise Failure(ExitStatus.NO_SUCH_ROOM, "room_not_found", f'no room "{text}"', "see: chatty rooms")
        return self.entrance(text)

    async def others_say(self, room: str, *texts: str) -> None:
        async with Http(self.server.url, key=OTHER) as http:
            for text in texts:
                await http.send(self.entrance(room).target.room_id, text, name="Ada")

    @asynccontextmanager
    async def opened(self, *names: str) -> AsyncIterator[Person]:
        rooms = OpenRooms(self.env, self.door, Places(self.directory, "default"), sources=Sources(), plain=False)
        person = Person(rooms)
        try:
            for one in await rooms.enter_first([self.entrance(name) for name in names]):
                assert not isinstance(one, BaseException), one
            person.running = asyncio.create_task(rooms.run())
            await person.sees("━━ ")
            yield person
            if not person.running.done():
                rooms.end(ExitStatus.DONE)
                await person.running
        finally:
            await rooms.close()


class Person:
    """Somebody at the rooms, who sees what is shown."""

    def __init__(self, rooms: OpenRooms) -> None:
        self.rooms = rooms
        self.shown: list[str] = []
        self.running: asyncio.Task[ExitStatus]

    def lines(self) -> list[str]:
        self.shown += [line.plain for line in self.rooms.take()]
        return self.shown

    async def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "\n".join(self.lines())
            await asyncio.sleep(0.01)

    async def sees(self, part: str) -> None:
        await self.until(lambda: any(part in line for line in self.lines()))

    def since_then(self) -> list[str]:
        """The lines that were not looked at yet."""
        shown, self.shown = self.lines(), []
        return shown

    async def enters(self, line: str) -> None:
        assert self.rooms.front.enter(line), self.lines()

    @property
    def status(self) -> str:
        return "".join(text for _, text in self.rooms.status(120))


@pytest.fixture
def house(server: Server, tmp_path: Path) -> House:
    return House(server, tmp_path / "rooms")


async def test_only_the_room_in_front_is_shown_and_of_the_others_how_much_is_new(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        await house.others_say("ops", "one", "two")
        await john.until(lambda: "2 #ops 2" in john.status)
        assert not any("one" in line for line in john.since_then())
        john.rooms.turn_to(2)
        await john.sees("two")
        head, mark, _, one, two = john.since_then()
        assert head == "━━ #ops · 1 here: John ━━"
        assert mark.startswith("── 2 new since ")
        assert (one[6:], two[6:]) == ("       Ada │ one", "       Ada │ two")
        assert "2 #ops (1 online)" in john.status


async def test_a_mention_elsewhere_is_told_at_once_and_rings(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        await house.others_say("ops", "@John ping")
        await john.sees("!! #ops  Ada: @John ping  (Alt-2)")
        assert "2 #ops !1" in john.status
        assert john.rooms.rings()
        assert not john.rooms.rings()
        assert john.rooms.window_title() == "(1) #deploys"


async def test_what_is_typed_goes_to_the_room_in_front(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        await john.enters("for deploys")
        await john.sees("for deploys")
        john.rooms.turn(1)
        await john.enters("for ops")
        await john.sees("for ops")
        await john.until(lambda: not any(one.conversation.waiting for one in john.rooms._open))
    assert house.server.texts(house.ids["deploys"]) == ["for deploys"]
    assert house.server.texts(house.ids["ops"]) == ["for ops"]


async def test_one_goes_to_news_first_where_one_is_mentioned(house: House) -> None:
    async with house.opened("a", "b", "c") as john:
        await house.others_say("b", "something")
        await house.others_say("c", "@John ping")
        await john.until(lambda: "2 #b 1" in john.status and "3 #c !1" in john.status)
        john.rooms.turn_to_news()
        assert john.rooms.front.name == "c"
        john.rooms.turn_to_news()
        assert john.rooms.front.name == "b"
        john.rooms.turn_to_news()
        assert john.rooms.front.name == "b"
        assert "nothing is new elsewhere" in john.status
        john.rooms.front.pressed()
        assert "nothing is new elsewhere" not in john.status


async def test_rooms_are_named_by_number_name_or_a_beginning(house: House) -> None:
    async with house.opened("deploys", "ops", "opera") as john:
        for argument, name in (("2", "ops"), ("#opera", "opera"), ("dep", "deploys"), ("OPS", "ops")):
            await john.enters(f"/room {argument}")
            assert john.rooms.front.name == name
        assert not john.rooms.front.enter("/room nowhere")
        await john.sees("no open room is called nowhere; /join nowhere opens it, /rooms lists them")


async def test_of_rooms_that_are_called_alike_each_time_the_next_one_comes(house: House) -> None:
    async with house.opened("ops", "ops night", "team ops") as john:
        house.ids["twin"] = house.server.make_room("ops")["id"]
        await john.rooms.enter(house.entrance("twin")._replace(room_name="ops"))
        seen = []
        for argument in ("ops", "ops", "ops n", "team", "night"):
            await john.enters(f"/room {argument}")
            seen.append([one.conversation for one in john.rooms._open].index(john.rooms.front) + 1)
        assert seen == [4, 1, 2, 3, 2]


async def test_a_hint_stays_in_its_room_no_longer_than_one_does(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        john.rooms.front.hint("^C again to leave")
        john.rooms.turn(1)
        john.rooms.turn(1)
        assert john.status.endswith("/help")


async def test_a_room_is_opened_and_left_while_one_talks(house: House) -> None:
    async with house.opened("deploys") as john:
        await john.enters("/join ops")
        await john.sees("━━ #ops ")
        assert "2 #ops" in john.status
        await john.enters("/join ops")  # it is open: it comes to the front
        await john.enters("/join nothing")
        await john.sees('!! no room "nothing"; see: chatty rooms')
        await john.enters("/part")
        await john.sees("-- you left #ops")
        assert john.rooms.front.name == "deploys"
        assert " · #deploys · " in john.status


async def test_a_room_that_is_asked_for_twice_at_once_is_opened_once(house: House) -> None:
    async with house.opened("deploys") as john:
        ops = house.entrance("ops")
        assert set(await asyncio.gather(john.rooms.enter(ops), john.rooms.enter(ops))) == {2}
        assert "2 #ops" in john.status
        assert "3 #ops" not in john.status


async def test_a_room_that_is_entered_with_a_token_is_opened_once(house: House) -> None:
    async with house.opened("deploys") as john:
        for _ in range(2):
            assert await john.rooms.enter(house.entrance("ops")._replace(key=lambda: KEY)) == 2
        assert await john.rooms.enter(house.entrance("general")._replace(key=lambda: KEY)) == 3
        one, other = [await john.rooms._opening.http(room.entrance) for room in john.rooms._open[1:]]
        assert one is other


async def test_a_room_that_is_left_twice_at_once_is_left_once(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        john.rooms.turn_to(2)
        ops = john.rooms.front
        for line in ("last words", "/part", "/part"):
            assert ops.enter(line)
        await john.sees("-- you left #ops")
        await john.until(lambda: not any("_part" in str(task.get_coro()) for task in asyncio.all_tasks()))
        assert not john.running.done()
        assert john.rooms.front.name == "deploys"


async def test_what_the_door_warns_of_stands_in_the_transcript(house: House) -> None:
    async with house.opened("deploys") as john:
        await john.enters("/join forgotten")
        await john.sees("!! the room is not remembered")
        await john.sees("━━ #forgotten ")


async def test_a_room_is_entered_where_nothing_can_be_kept(house: House) -> None:
    house.entrance("deploys")
    journal = house.directory / house.ids["deploys"] / "1.journal"
    journal.parent.mkdir(parents=True)
    journal.symlink_to(house.directory / "missing" / "journal")
    async with house.opened("deploys") as john:
        await john.sees("!! how far you read and what you type can't be kept: ")
        await john.enters("hello")
        await john.sees("John │ hello")


async def test_from_a_room_that_one_leaves_one_goes_back_to_where_one_was(house: House) -> None:
    async with house.opened("a", "b", "c", "d") as john:
        for number in (2, 4):
            john.rooms.turn_to(number)
        for left, back in (("d", "b"), ("b", "a"), ("a", "c")):
            await john.enters("/part")
            await john.sees(f"-- you left #{left}")
            assert john.rooms.front.name == back


async def test_leaving_the_last_room_ends_it(house: House) -> None:
    async with house.opened("deploys") as john:
        await john.enters("/part")
        assert await asyncio.wait_for(john.running, PATIENCE) == ExitStatus.DONE
    assert Places(house.directory, "default").last_open() == []


async def test_a_room_that_is_closed_leaves_the_others(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        john.rooms.turn_to(2)
        async with Http(house.server.url) as http:
            await http.close_room(house.ids["ops"], house.owner_tokens["ops"])
        await john.sees("-- #ops is closed")
        assert any("the room is closed" in line for line in john.lines())
        assert john.rooms.front.name == "deploys"


async def test_what_was_typed_for_a_room_that_is_over_stands_in_the_transcript(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        john.rooms.front.drafted("half-typed")
        async with Http(house.server.url) as http:
            await http.close_room(house.ids["deploys"], house.owner_tokens["deploys"])
        await john.sees("-- #deploys is closed")
        lines = john.lines()
        assert lines[lines.index("✗ not sent: it was still being typed") + 1] == "  half-typed"


@pytest.mark.filterwarnings("error")
async def test_what_is_typed_when_all_is_over_does_no_harm(house: House) -> None:
    async with house.opened("deploys") as john:
        john.rooms.end(ExitStatus.DONE)
        assert await john.running == ExitStatus.DONE
        for line in ("/who", "/join ops", "/part", "/quit", "hello"):
            assert john.rooms.front.enter(line)
        assert [line.plain for line in john.rooms.unsent()][1:] == ["  hello"]


async def test_a_room_that_refuses_is_not_opened(house: House) -> None:
    async with house.opened("deploys") as john:
        nowhere = house.entrance("deploys")
        with pytest.raises((Refused, Failure)):
            await john.rooms.enter(nowhere._replace(target=nowhere.target._replace(room_id=NOWHERE)))
        assert " · #deploys · " in john.status


async def test_one_comes_back_to_where_one_stopped_reading(house: House) -> None:
    async with house.opened("deploys") as john:
        await house.others_say("deploys", *(f"seen {number}" for number in range(8)))
        await john.sees("seen 7")
    await house.others_say("deploys", "new 1", "new 2")
    async with house.opened("deploys") as john:
        await john.sees("new 2")
        head, _, *texts = john.since_then()
        assert head.startswith("━━ #deploys ")
        assert [text.rpartition("│ ")[2] for text in texts[:5]] == [f"seen {number}" for number in range(3, 8)]
        assert texts[5].startswith("── 2 new since ")
        assert [text.rpartition("│ ")[2] for text in texts[6:]] == ["new 1", "new 2"]


async def test_what_was_not_looked_at_is_still_new(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        john.rooms.turn_to(2)
        await john.sees("━━ #ops")
        john.rooms.turn_to(1)
        await house.others_say("ops", "while not looking")
        await john.until(lambda: "2 #ops 1" in john.status)
    async with house.opened("deploys", "ops") as john:
        await john.until(lambda: "2 #ops 1" in john.status)


async def test_drafts_come_back(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        john.rooms.front.drafted("half-typed")
        john.rooms.turn_to(2)
        assert john.rooms.front.draft == ""
    async with house.opened("deploys", "ops") as john:
        assert john.rooms.front.draft == "half-typed"


async def test_the_rooms_that_are_open_are_remembered(house: House) -> None:
    async with house.opened("deploys", "ops"):
        opened = [OpenedRoom(house.server.url, house.ids[name]) for name in ("deploys", "ops")]
        assert Places(house.directory, "default").last_open() == opened


async def test_leaving_waits_for_acks_and_else_has_to_be_said_twice(house: House) -> None:
    async with house.opened("deploys", "ops") as john:
        await john.enters("last words")
        john.rooms.leave()
        assert await asyncio.wait_for(john.running, PATIENCE) == ExitStatus.DONE
        assert john.rooms.unsent() == []


async def test_a_number_that_no_room_has_is_not_taken_for_a_name(house: House) -> None:
    async with house.opened("deploys") as john:
        assert not john.rooms.front.enter("/room 5")
        assert john.lines()[-1] == "!! no open room has the number 5; /rooms lists them"


async def test_the_command_that_lets_others_in_stands_alone_so_that_it_can_be_copied(house: House) -> None:
    async with house.opened("deploys") as john:
        await john.enters("/invite")
        await john.until(lambda: any("chatty join" in line for line in john.lines()))
        *_, before, command = john.lines()
        assert before == "-- others join with:"
        assert command == f"  chatty join {house.ids['deploys']} --server {house.server.url}"
