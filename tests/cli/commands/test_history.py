"""``chatty history``: which messages, in which form, and how it ends."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec import Raw

from chatty.cli.environment import Environment
from chatty.cli.scripting.exporter import Progress
from chatty.events import Message
from chatty.protocol import PAGE_EVENTS, Page, RoomInfo, encode
from tests.cli.conftest import MakeEnvironment
from tests.cli.user import User
from tests.support.scripted import AT, Scripted
from tests.support.server import PATIENCE, Server

ROOM = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"
KEY = "k" * 32


def say(server: Server, room: str, text: str, name: str = "Ada", **fields: Any) -> int:
    message = {"participant": name, "text": text, **fields}
    return int(server.ask("POST", f"/v1/rooms/{room}/messages", message, token=KEY)["seq"])


def fill(user: User, room: str, count: int, prefix: str = "line") -> list[str]:
    lines = [f"{prefix} {number}" for number in range(count)]
    user.here.run("send", room, said="\n".join(lines).encode())
    return lines


def texts(printed: str) -> list[str]:
    """What ``--format json`` printed."""
    return [json.loads(line)["text"] for line in printed.splitlines()]


def at(server: Server, room: str, seq: int) -> str:
    page = server.ask("GET", f"/v1/rooms/{room}/events?after={seq - 1}&limit=1")
    return str(page["events"][0]["at"])


def test_everything_comes_oldest_first_over_many_pages(user: User, room: str) -> None:
    lines = fill(user, room, 2 * PAGE_EVENTS + 7)
    assert texts(user.says("history", room, "--format", "json")) == lines


@pytest.mark.parametrize("count", [1, PAGE_EVENTS - 1, PAGE_EVENTS, PAGE_EVENTS + 1, 2 * PAGE_EVENTS, 5_000])
def test_n_gives_the_newest_ones(user: User, room: str, count: int) -> None:
    lines = fill(user, room, PAGE_EVENTS + 10)
    assert texts(user.here.says("history", room, "--format", "json", "-n", str(count))) == lines[-count:]


def test_long_messages_come_whole_and_all_of_them(server: Server, user: User, room: str) -> None:
    said = [f"{number} " + "\0" * 16_000 for number in range(25)]  # JSON makes six bytes of each, and pages end early
    for text in said:
        say(server, room, text)
    assert texts(user.here.says("history", room, "--format", "json")) == said
    assert texts(user.here.says("history", room, "--format", "json", "-n", "20")) == said[-20:]


def test_json_is_what_the_wire_has(server: Server, user: User, room: str) -> None:
    first = say(server, room, "hello")
    say(server, room, "hi", "Bob", reply_to=first)
    server.ask("PUT", f"/v1/rooms/{room}/topic", {"participant": "Ada", "topic": "not a message"}, token=KEY)
    server.ask("PUT", f"/v1/rooms/{room}/messages/{first}/reactions/%2B1?name=Bob", token=KEY)
    events = [event for event in server.history(room) if event["event_type"] == "message"]
    assert [json.loads(line) for line in user.here.says("history", room, "--format", "json").splitlines()] == events


def test_text_shows_what_became_of_each_message(server: Server, user: User, room: str) -> None:
    first = say(server, room, "helo\nworld")
    say(server, room, "hi there", "Bob", reply_to=first)
    gone = say(server, room, "oh no")
    say(server, room, "waves", "Bob", action=True)
    base = f"/v1/rooms/{room}/messages"
    server.ask("PATCH", f"{base}/{first}", {"participant": "Ada", "text": "hello\nworld"}, token=KEY)
    server.ask("PUT", f"{base}/{first}/reactions/%2B1?name=Bob", token=KEY)
    server.ask("DELETE", f"{base}/{gone}?name=Ada", token=KEY)
    printed = user.here.says("history", room)
    assert [re.sub(r"^\d\d:\d\d  ", "", line) for line in printed.splitlines()] == [
        "Ada │ hello",
        "           │ world (edited)",
        "-- +1 1",
        "↪ Ada: hello world",
        "Bob │ hi there",
        "-- Ada: (deleted)",
        "* Bob waves",
    ]


def test_grep_and_from_find_what_was_said_a_moment_ago(server: Server, user: User, room: str) -> None:
    say(server, room, "The release is out")
    say(server, room, "the release failed", "Bob")
    say(server, room, "lunch", "Bob")
    json_of = ("history", room, "--format", "json")
    assert texts(user.here.says(*json_of, "--grep", "relea")) == ["The release is out", "the release failed"]
    assert texts(user.here.says(*json_of, "--grep", "release OUT")) == ["The release is out"]
    assert texts(user.here.says(*json_of, "--from", "bob")) == ["the release failed", "lunch"]
    assert texts(user.here.says(*json_of, "--grep", "release", "--from", "BOB")) == ["the release failed"]
    assert texts(user.here.says(*json_of, "--grep", "release", "-n", "1")) == ["the release failed"]
    assert user.here.says("history", room, "--grep", "nothing of that") == ""


def test_times_and_numbers_bound_it(server: Server, user: User, room: str) -> None:
    seqs = [say(server, room, word) for word in ("one", "two", "three", "four")]
    json_of = ("history", room, "--format", "json")
    assert texts(user.here.says(*json_of, "--since", str(seqs[0]), "--until", str(seqs[2]))) == ["two", "three"]
    assert texts(user.here.says(*json_of, "--since", str(seqs[0]), "--until", str(seqs[2]), "-n", "1")) == ["three"]
    assert texts(user.here.says(*json_of, "--since", str(seqs[2]), "-n", "9")) == ["four"]
    assert texts(user.here.says(*json_of, "--until", "0")) == []
    assert texts(user.here.says(*json_of, "--since", "@1700000000")) == ["one", "two", "three", "four"]
    assert texts(user.here.says(*json_of, "--until", "@1700000000.5")) == []
    assert texts(user.here.says(*json_of, "--since", "1h")) == ["one", "two", "three", "four"]
    assert texts(user.here.says(*json_of, "--until", "1h")) == []
    moment = at(server, room, seqs[3])
    until = texts(user.here.says(*json_of, "--until", moment))
    assert until + texts(user.here.says(*json_of, "--since", moment)) == ["one", "two", "three", "four"]
    assert "four" not in until


def test_an_end_that_cannot_be_meant_is_refused_or_mentioned(server: Server, user: User, room: str) -> None:
    say(server, room, "one")
    assert "for a Unix time, write @1795900000" in user.here.fails(2, "history", room, "--until", "1795900000")
    assert "for a day, write 2026-11-28" in user.here.fails(2, "history", room, "--until", "20261128")
    assert "--until is before --since" in user.here.fails(2, "history", room, "--since", "1", "--until", "0")
    assert "--until is before --since" in user.here.fails(2, "history", room, "--since", "1h", "--until", "2h")
    done = user.here.run("history", room, "--format", "json", "--until", "9")
    assert (texts(done.stdout.decode()), done.stderr) == (
        ["one"], b"note:  --until: event 9 is ahead of the newest, which is 1\n",
    )  # fmt: skip


def test_it_ends_with_what_was_the_newest_message_when_it_began(user: User, room: str) -> None:
    lines = fill(user, room, 4 * PAGE_EVENTS)
    process = user.start("history", room, "--format", "json")
    assert process.stdout is not None
    begun = process.stdout.readline()  # the rest waits in the pipe, or is not even asked for
    fill(user, room, PAGE_EVENTS + 5, "later")
    rest = process.stdout.read()
    assert process.wait(PATIENCE) == 0
    assert texts((begun + rest).decode()) == lines


def test_a_restart_of_the_server_in_the_middle_loses_nothing(own_server: Server, own_user: User) -> None:
    room = own_server.make_room()["id"]
    lines = fill(own_user, room, 3_000, "x" * 200)
    process = own_user.start("history", room, "--format", "json")
    assert process.stdout is not None
    begun = process.stdout.readline()  # the pipe is full long before the end
    own_server.crash()
    rest = process.stdout.read()
    assert process.wait(PATIENCE) == 0
    assert texts((begun + rest).decode()) == lines


def test_a_server_that_is_away_in_the_middle_is_waited_for(own_server: Server, own_user: User) -> None:
    room = own_server.make_room()["id"]
    lines = fill(own_user, room, 3_000, "x" * 200)
    process = own_user.start("history", room, "--format", "json")
    assert process.stdout is not None
    begun = process.stdout.readline()  # the pipe is full long before the end
    own_server.kill9()
    with ThreadPoolExecutor() as beside:
        reading = beside.submit(process.stdout.read)
        with socket.create_server(("127.0.0.1", own_server.port)) as listener:
            listener.settimeout(PATIENCE)
            for _ in range(3):  # a client that comes again has been sent away, and waits
                listener.accept()[0].close()
        own_server.start()
        rest = reading.result(PATIENCE)
    assert process.wait(PATIENCE) == 0
    assert texts((begun + rest).decode()) == lines


def test_it_ends_quietly_when_nobody_reads_on(user: User, room: str) -> None:
    fill(user, room, 3_000, "x" * 200)
    process = user.start("history", room)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == 141
    assert process.stderr.read() == b""


def test_what_goes_wrong_is_said_with_the_statuses_of_all_commands(user: User, room: str) -> None:
    assert "no room" in user.here.fails(3, "history", "2SzErhA2PvYGjf4PQ4pvTh9BfE0")
    said = user.here.fails(2, "history", room, "--until", "soon")
    assert said.startswith('error: --until: "soon" is not a number, a time, or a length of time\nhint:  write an event')
    assert "--since" in user.here.fails(2, "history", room, "--since", "soon")
    assert "--since" in user.here.fails(2, "history", room, "--since", "9" * 20)
    assert "--until" in user.here.fails(2, "history", room, "--until", "9" * 20)
    assert "chatty serve" in user.here.fails(5, "history", room, "--server", "http://127.0.0.1:1")
    user.here.fails(2, "history", room, "--format", "html")
    user.here.fails(2, "history", room, "-n", "0")


def test_a_name_that_nobody_can_have_is_said_of_the_option_that_holds_it(server: Server, user: User, room: str) -> None:
    say(server, room, "hello")
    said = user.here.fails(6, "history", room, "--from", "x" * 33)
    assert "hint:" in said
    assert "--from NAME" in said
    assert "--name" not in said


def test_a_full_disk_is_said(user: User, room: str) -> None:
    fill(user, room, 3)
    with Path("/dev/full").open("wb") as full:
        assert "No space left" in user.fails(1, "history", room, stdout=full)


def test_markdown_is_a_document_with_days(server: Server, user: User) -> None:
    room = server.make_room("deploys *now*")["id"]
    say(server, room, "hello\n\n```\ncode\n```")
    printed = user.here.says("history", room, "--format", "markdown")
    assert re.fullmatch(
        r"# deploys \\\*now\\\*\n\n## \d{4}-\d\d-\d\d\n\n\*\*Ada\*\* \d\d:\d\d\n\n"
        r"> hello\n>\n> ```\n> code\n> ```\n\n",
        printed,
    )


class _Terminal:
    """A text stream that says it is a terminal, or not."""

    def __init__(self, *, tty: bool) -> None:
        self.written = ""
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


@pytest.mark.parametrize(("err", "out", "shown"), [(True, False, True), (True, True, False), (False, False, False)])
async def test_progress_is_shown_to_a_person_whose_terminal_has_nothing_else(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch, err: bool, out: bool, shown: bool
) -> None:
    stderr = _Terminal(tty=err)
    plain = make_environment()
    env = Environment(
        environ={}, stdin=plain.stdin, stdout=_Terminal(tty=out), stderr=stderr,  # type: ignore[arg-type]
    )  # fmt: skip
    monkeypatch.setattr("chatty.cli.scripting.exporter.PROGRESS_SECONDS", 0.0)
    with Progress(env) as progress:
        progress.update(1_500, 0.25)
        assert stderr.written == ("\r 25%  1,500 messages " if shown else "")
    assert stderr.written.endswith("\r") == shown


async def test_what_takes_no_second_shows_no_progress(make_environment: MakeEnvironment) -> None:
    stderr = _Terminal(tty=True)
    plain = make_environment()
    env = Environment(environ={}, stdin=plain.stdin, stdout=plain.stdout, stderr=stderr)  # type: ignore[arg-type]
    with Progress(env) as progress:
        progress.update(500, 0.5)
    assert stderr.written == ""


@pytest.mark.parametrize(
    "command", [("history",), ("history", "-n", "5"), ("tail", "--no-follow", "--since", "2026-01-01")]
)
async def test_a_broken_servers_history_is_its_own_error(user: User, command: tuple[str, ...]) -> None:
    info = RoomInfo(ROOM, "general", "", AT, "e", 1, 9, 0)
    page = Page([Raw(encode(Message(9, "soon", "Ada", "hello")))], "e", 1, 9, more=True)

    async def answer(request: web.Request) -> web.StreamResponse:
        body = encode(page if request.path.endswith("/events") else info)
        return web.Response(body=body, content_type="application/json")

    async with Scripted(answer) as scripted:
        name, *options = command
        said = await asyncio.to_thread(user.fails, 1, name, ROOM, *options, "--server", scripted.url)
    assert said.startswith("error: the server sent an invalid frame: ")
