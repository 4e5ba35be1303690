"""`create`, `rooms`, `who` and `close`: a room's life from a shell."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pexpect
import pytest
from aiohttp import web
from msgspec.structs import replace

import chatty
from chatty.protocol import CreatedRoom, encode
from tests.cli.commands.test_send import wait_until
from tests.cli.user import User
from tests.support.scripted import AT, Scripted
from tests.support.server import PATIENCE, ROOT, Server


def test_create_prints_the_id_alone_so_that_a_script_can_keep_it(user: User, server: Server) -> None:
    done = user.run("create", "deploys", "--topic", "what went out")
    room = server.ask("GET", f"/v1/rooms/{done.stdout.decode().strip()}")
    assert (room["name"], room["topic"]) == ("deploys", "what went out")
    assert done.stderr == b""


def create_in_a_terminal(user: User) -> list[str]:
    command = ["-m", "chatty", "create", "deploys"]
    child = pexpect.spawn(
        sys.executable, command, env=user.env, cwd=ROOT, timeout=PATIENCE, dimensions=(24, 200), encoding="utf-8"
    )
    said = child.read().splitlines()
    child.close()
    assert child.exitstatus == 0
    assert said[1] == f"join it: chatty join {said[0]} --server {user.env['CHATTY_SERVER']}"
    return [str(line) for line in said[2:]]


def test_in_a_terminal_create_also_says_how_to_join(user: User) -> None:
    assert create_in_a_terminal(user) == []


def test_create_says_that_a_name_is_in_use_and_what_tells_the_rooms_apart(user: User) -> None:
    first = user.here.says("create", "deploys").strip()
    done = user.here.run("create", "Deploys")
    second, said = done.stdout.decode().strip(), done.stderr.decode()
    assert re.match(
        rf'warning: "Deploys" is also the name of {first} \(created \d{{4}}-\d\d-\d\d \d\d:\d\d; http', said
    )
    assert "hint:  call both by their ids, or forget the other one: chatty rooms --forget ID" in said
    user.here.run("create", "deploys")
    said = user.here.fails(2, "who", "deploys")
    assert said.startswith('error: 2 rooms are called "deploys"')
    assert f"use an id: {first} (created " in said
    assert "chatty rooms --forget ID" in said
    assert user.here.says("who", second) == ""


async def test_a_name_that_a_server_gives_is_shown_and_not_obeyed(user: User) -> None:
    made = CreatedRoom("1" * 27, "\x1b]0;evil\x07\x9b2J", "", AT, "e", 1, 0, 0, url="", owner_token="")
    other = replace(made, id="2" * 27)

    async def answer(request: web.Request) -> web.Response:
        room = made if request.method == "GET" else answers.pop()
        return web.json_response(body=encode(room))

    answers = [other, made]
    async with Scripted(answer) as scripted:
        create = ("create", "deploys", "--server", scripted.url)
        await asyncio.to_thread(user.run, *create)
        done = await asyncio.to_thread(user.run, *create)
    assert done.stderr.decode().startswith('warning: "␛]0;evil␇<U+009B>2J" is also the name of 1111')


def test_with_json_create_prints_what_the_server_answered(user: User, server: Server) -> None:
    created = json.loads(user.here.says("create", "deploys", "--expires", "1h", "--json"))
    assert created["url"] == f"{server.url}/v1/rooms/{created['id']}"
    assert created["owner_token"]
    assert created["expires_at"] > created["created_at"]


def test_a_room_that_cannot_be_remembered_is_created_all_the_same(user: User, server: Server) -> None:
    user.home.mkdir()
    (user.home / "state").write_text("in the way")
    done = user.here.run("create", "deploys")
    assert server.ask("GET", f"/v1/rooms/{done.stdout.decode().strip()}")["name"] == "deploys"
    assert b"warning: the room is not remembered" in done.stderr


def test_what_a_server_will_not_have_as_a_name_is_refused(user: User) -> None:
    for name in ("", " ", "x" * 200):
        said = user.here.fails(6, "create", name)
        assert said.startswith("error: Give the room a name of 1 to 128 visible characters")
        assert "\nhint:  chatty create NAME" in said
        assert "--name" not in said


def test_a_time_after_which_no_room_can_close_is_wrong_usage(user: User) -> None:
    for time in ("0", "500ms", "10000w", "9" * 400):
        assert user.here.fails(2, "create", "deploys", "--expires", time).startswith("error: --expires: ")
    for time in ("1", "3660d"):
        user.here.run("create", "deploys", "--expires", time)


def test_rooms_lists_what_was_created_the_latest_last_without_asking_a_server(user: User, server: Server) -> None:
    ids = [user.here.says("create", name).strip() for name in ("deploys", "two words")]
    offline = {**user.env, "CHATTY_SERVER": "http://127.0.0.1:1"}
    lines = user.here.says("rooms", env=offline).splitlines()
    assert [line.split("\t")[:3] for line in lines] == [
        ["deploys", ids[0], server.url],
        ["two words", ids[1], server.url],
    ]
    assert all(re.search(r"\tcreated \d{4}-\d\d-\d\d \d\d:\d\d$", line) for line in lines)
    listed = [json.loads(line) for line in user.here.says("rooms", "--json").splitlines()]
    assert [(room["id"], room["owned"]) for room in listed] == [(ids[0], True), (ids[1], True)]
    assert "owner_token" not in listed[0]


def test_a_room_whose_end_is_heard_of_gives_its_name_free(user: User, server: Server, tmp_path: Path) -> None:
    first = user.here.says("create", "standup").strip()
    user.here.run("send", "standup", "morning")
    with User(tmp_path / "guest", server.url) as guest:
        rooms = guest.home / "state" / "chatty" / "rooms.json"
        rooms.parent.mkdir(parents=True)
        rooms.write_text(json.dumps({"rooms": [{"id": first, "name": "standup", "server": server.url}]}))
        following = guest.start("tail", "standup", "-n", "1")
        assert following.stdout is not None
        following.stdout.readline()  # so it is there
        user.here.run("close", "standup")
        assert following.wait(PATIENCE) == 0
        assert guest.here.says("rooms") == ""
        assert "\tjoined, closed " in guest.here.says("rooms", "--all")
        second = user.here.says("create", "standup").strip()
        listed = json.loads(rooms.read_text())["rooms"]
        rooms.write_text(json.dumps({"rooms": [*listed, {"id": second, "name": "standup", "server": server.url}]}))
        guest.here.run("send", "standup", "hi")
    assert server.texts(second) == ["hi"]


@pytest.mark.parametrize(
    "command", [("send", "x"), ("tail", "--no-follow"), ("who",), ("history",), ("ask", "x"), ("close",)]
)
def test_every_command_remembers_that_a_room_is_not_there(user: User, server: Server, command: tuple[str, ...]) -> None:
    file = user.home / "state" / "chatty" / "rooms.json"
    file.parent.mkdir(parents=True)
    room = {"id": "1" * 27, "name": "standup", "server": server.url, "owner_token": "owner_x"}
    file.write_text(json.dumps({"rooms": [room]}))
    user.here.fails(3, command[0], "standup", *command[1:])
    assert user.here.says("rooms") == ""
    there = user.here.says("create", "standup").strip()
    assert user.here.says("rooms").split("\t")[1] == there
    assert user.here.says("who", "standup") == ""


@pytest.mark.parametrize("command", [("send", "x"), ("ask", "x")])
def test_a_command_that_is_refused_since_the_room_is_closed_remembers_that(
    user: User, server: Server, command: tuple[str, ...]
) -> None:
    room = user.here.says("create", "standup").strip()
    (file,) = (user.home / "state").rglob("rooms.json")
    listed = file.read_text()
    user.here.run("close", room)
    file.write_text(listed)
    user.here.fails(6, command[0], "standup", *command[1:])
    assert user.here.says("rooms") == ""


def test_a_new_room_finds_out_whether_older_ones_of_its_name_are_over(user: User, server: Server) -> None:
    closed = user.here.says("create", "standup").strip()
    (file,) = (user.home / "state").rglob("rooms.json")
    listed = json.loads(file.read_text())["rooms"]
    user.here.run("close", closed)
    gone = {**listed[0], "id": "1" * 27, "name": "Standup"}
    elsewhere = {**listed[0], "id": "2" * 27, "server": "http://127.0.0.1:1"}
    file.write_text(json.dumps({"rooms": [*listed, gone, elsewhere]}))  # as if nobody had told this machine
    done = user.here.run("create", "standup")
    assert closed not in done.stderr.decode()
    assert "1" * 27 not in done.stderr.decode()
    assert "2" * 27 in done.stderr.decode(), "another server is not asked"
    assert [line.split("\t")[1] for line in user.here.says("rooms").splitlines()] == [
        "2" * 27,
        done.stdout.decode().strip(),
    ]


def test_a_room_that_is_there_again_is_listed_again(user: User, server: Server) -> None:
    room = user.here.says("create", "standup").strip()
    (file,) = (user.home / "state").rglob("rooms.json")
    listed = json.loads(file.read_text())
    listed["rooms"][0]["gone_at"] = 1.0e12
    file.write_text(json.dumps(listed))
    assert user.here.says("rooms") == ""
    assert user.here.says("who", "standup") == ""
    assert user.here.says("rooms").split("\t")[1] == room


def test_a_room_can_be_forgotten_by_its_name_or_its_id(user: User, server: Server) -> None:
    first, second, other = (user.here.says("create", name).strip() for name in ("standup", "standup", "other"))
    assert "use an id: " in user.here.fails(2, "rooms", "--forget", "standup")
    done = user.here.run("rooms", "--forget", first)
    assert (done.stdout, done.stderr.count(b"it can't be closed from here any more")) == (b"", 1)
    user.here.run("send", "standup", "hi")
    assert server.texts(second) == ["hi"]
    user.here.run("close", "other")
    assert user.here.run("rooms", "--forget", "Other").stderr == b""
    assert other not in user.here.says("rooms", "--all")
    assert 'no room "other" in the list' in user.here.fails(2, "rooms", "--forget", "other")


def test_nobody_else_can_read_the_ids_that_are_remembered(user: User) -> None:
    user.here.run("create", "deploys")
    (state,) = (user.home / "state").rglob("rooms.json")
    assert state.stat().st_mode & 0o077 == 0


def test_a_created_room_can_be_called_by_its_name(user: User, server: Server) -> None:
    room = user.here.says("create", "deploys").strip()
    user.here.run("send", "deploys", "hello")
    assert server.texts(room) == ["hello"]
    assert 'did you mean "deploys"?' in user.here.fails(3, "send", "deplyos", "hello")


async def test_who_shows_who_is_there(user: User, server: Server, room: str) -> None:
    assert user.says("who", room) == ""
    async with chatty.join(server.url, room, name="Ada"), chatty.join(server.url, room, name="Bob"):
        assert (await asyncio.to_thread(user.says, "who", room)).splitlines() == ["Ada", "Bob"]
        told = await asyncio.to_thread(user.says, "who", room, "--json")
        assert [json.loads(line) for line in told.splitlines()] == [
            {"name": "Ada", "away": False},
            {"name": "Bob", "away": False},
        ]
    assert "no room" in user.fails(3, "who", "1" * 27)


def test_close_ends_a_room_that_was_created_here(user: User, server: Server) -> None:
    room = user.here.says("create", "deploys").strip()
    assert user.says("close", "deploys") == ""
    assert server.history(room)[-1]["event_type"] == "room_closed"
    assert user.here.says("rooms") == ""
    assert "closed" in user.here.fails(6, "close", room)


def test_a_room_is_closed_all_the_same_where_that_cannot_be_remembered(user: User, server: Server) -> None:
    room = user.here.says("create", "deploys").strip()
    (lock,) = (user.home / "state").rglob("rooms.json.lock")
    lock.unlink()
    lock.mkdir()
    done = user.here.run("close", "deploys")
    assert done.stderr.startswith(b"warning: the room is closed, but the list of rooms can't be updated (")
    assert server.history(room)[-1]["event_type"] == "room_closed"


def test_a_room_of_somebody_else_is_not_ones_own_to_close(user: User, room: str, tmp_path: Path) -> None:
    said = user.here.fails(4, "close", room)
    assert said.startswith(f'error: "{room}" is not yours to close\nhint:  ')


def test_a_name_that_is_free_again_means_the_new_room(user: User) -> None:
    user.here.run("create", "deploys")
    user.here.run("close", "deploys")
    room = user.here.says("create", "deploys").strip()
    user.here.run("send", "deploys", "hello")
    assert [event["text"] for event in user.here.events(room)] == ["hello"]


def test_a_room_is_closed_however_its_servers_address_is_written(user: User, server: Server) -> None:
    room = user.here.says("create", "deploys").strip()
    user.here.run("close", room, "--server", server.url.replace("127.0.0.1", "localhost"))
    assert server.history(room)[-1]["event_type"] == "room_closed"


@pytest.mark.parametrize(
    "command",
    [("tail", "deploys"), ("bot", "deploys", "--on", "x", "--", "true"), ("ask", "deploys", "?"), ("send", "deploys")],
)
def test_a_room_that_came_back_is_no_longer_gone_for_a_command_that_never_ends(
    user: User, command: tuple[str, ...]
) -> None:
    user.here.run("create", "deploys")
    file = user.home / "state" / "chatty" / "rooms.json"
    listed = json.loads(file.read_text())
    file.write_text(json.dumps({"rooms": [{**listed["rooms"][0], "gone_at": 1.0}]}))
    process = user.start(*command)
    wait_until(lambda: json.loads(file.read_text()) == listed)
    process.kill()
