"""`tail` shows what is said, exactly as it was sent, and goes on where it stopped."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

import pexpect
import pytest

import chatty
from tests.cli.user import Running, User
from tests.support.server import PATIENCE, ROOT, Server, free_port


def say(server: Server, room: str, *texts: str, name: str = "Ada") -> None:
    for text in texts:
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": name, "text": text})


def line_of(process: Running) -> bytes:
    """The next line, but for one that tells the day: around midnight there is one."""
    assert process.stdout is not None
    line: bytes = process.stdout.readline()
    return line if not line.startswith(b"-- 20") else line_of(process)


def seqs(data: bytes) -> list[int]:
    return [json.loads(line)["seq"] for line in data.splitlines()]


# --- what is shown ------------------------------------------------------------------------------------------


async def test_with_json_durable_events_come_as_on_the_wire(user: User, server: Server, room: str) -> None:
    async with chatty.join(server.url, room, name="Ada") as ada:
        await ada.send("h\u00e9llo \x00 </script>")
    assert user.events(room, "--since", "0") == server.history(room)
    assert [event["event_type"] for event in server.history(room)] == [
        "participant_joined",
        "message",
        "participant_left",
    ]


async def test_as_text_everything_has_its_line(user: User, server: Server, room: str) -> None:
    async with chatty.join(server.url, room, name="Ada") as ada:
        await ada.send("one\n12:00  Eve │ two")
    lines = user.says("tail", room, "--since", "0", "--no-follow").splitlines()
    assert [line[7:] for line in lines] == ["-- Ada joined", "Ada │ one", "    │ 12:00  Eve │ two", "-- Ada left"]


def test_what_somebody_sent_cannot_drive_the_terminal(user: User, server: Server, room: str) -> None:
    say(server, room, "\x1b]0;owned\x07\x1b[2J \u202etxt")
    assert user.here.says("tail", room, "--no-follow")[7:] == "Ada │ ␛]0;owned␇␛[2J <U+202E>txt\n"


def test_it_begins_with_the_newest_ten_messages_or_as_many_as_told(user: User, server: Server, room: str) -> None:
    say(server, room, *(str(number) for number in range(1, 13)))
    assert [event["text"] for event in user.here.events(room)] == [str(number) for number in range(3, 13)]
    assert [event["text"] for event in user.here.events(room, "-n", "2")] == ["11", "12"]
    assert user.here.events(room, "-n", "0") == []


def test_since_begins_after_an_event_or_at_a_time(user: User, server: Server, room: str) -> None:
    say(server, room, "one", "two")
    time.sleep(0.01)  # so that the third has a millisecond of its own
    say(server, room, "three", "four", "five")
    third = server.history(room)[2]["at"]
    assert [event["text"] for event in user.here.events(room, "--since", "3")] == ["four", "five"]
    assert [event["text"] for event in user.here.events(room, "--since", third)] == ["three", "four", "five"]
    assert len(user.here.events(room, "--since", "1h")) == 5
    assert len(user.here.events(room, "--since", "2020-01-01")) == 5
    for text in ("yesterday", "1795900000.5", "１２m", ""):
        said = user.here.fails(2, "tail", room, "--since", text)
        assert f'"{text}" is not a number, a time, or a length of time' in said


@pytest.mark.parametrize("command", [("tail", "--no-follow"), ("history",)], ids=["tail", "history"])
@pytest.mark.parametrize(
    ("since", "hint"),
    [
        ("1000", "write an event's number, a time"),
        ("20260101", "for a day, write 2026-01-01"),
        ("1795900000", "for a Unix time, write @1795900000"),
        ("1795900000123", "for a Unix time, write @1795900000"),
        (str(2**32), "for a Unix time, write @4294967296"),
    ],
)
def test_a_number_ahead_of_the_newest_event_is_refused_with_what_to_write(
    user: User, server: Server, room: str, command: tuple[str, ...], since: str, hint: str
) -> None:
    say(server, room, "one")
    said = user.here.fails(2, command[0], room, "--since", since, *command[1:])
    assert f"event {since} is ahead of the newest, which is 1" in said or f"no event has the number {since}" in said
    assert f"\nhint:  {hint}" in said
    assert "lost" not in said


def test_a_time_in_the_future_is_taken_and_mentioned(user: User, server: Server, room: str) -> None:
    say(server, room, "one")
    done = user.here.run("tail", room, "--no-follow", "--since", "2100-01-01T00:00Z")
    assert (done.stdout, done.stderr) == (b"", b"note:  2100-01-01T00:00:00+00:00 is in the future\n")


async def test_messages_alone_are_printed_and_counted_where_only_they_matter(
    user: User, server: Server, room: str
) -> None:
    waiting = user.start("tail", room, "--since", "0", "--messages", "--count", "2", "--json")
    async with chatty.join(server.url, room, name="Ada") as ada:
        await ada.edit((await ada.send("one")).seq or 0, "uno")
        await ada.send("two")
        out, _ = await asyncio.to_thread(waiting.communicate, timeout=PATIENCE)
    assert [json.loads(line)["event_type"] for line in out.splitlines()] == ["message", "message"]
    lines = user.says("tail", room, "--since", "0", "--messages", "--no-follow").splitlines()
    assert [line[7:] for line in lines] == ["Ada │ uno (edited)", "Ada │ two"]
    said = user.fails(5, "tail", room, "-n", "0", "--messages", "--count", "1", "--timeout", "0.2s")
    assert "0 of 1 messages came" in said


def test_count_ends_it_after_so_many_events(user: User, server: Server, room: str) -> None:
    say(server, room, "one", "two", "three")
    lines = user.here.says("tail", room, "--count", "2", "--json").splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["one", "two"]


def test_count_waits_for_what_is_yet_to_come(user: User, server: Server, room: str) -> None:
    say(server, room, "before")
    waiting = user.start("tail", room, "-n", "1", "--count", "2", "--json")
    assert json.loads(line_of(waiting))["text"] == "before"
    say(server, room, "after", "too much")
    out, _ = waiting.communicate(timeout=PATIENCE)
    assert (waiting.returncode, [json.loads(line)["text"] for line in out.splitlines()]) == (0, ["after"])


def test_timeout_ends_it_with_status_5(user: User, server: Server, room: str) -> None:
    say(server, room, "one")
    assert "1 of 2 events came" in user.here.fails(5, "tail", room, "--count", "2", "--timeout", "1s")


def test_a_room_that_closes_ends_it_well(user: User, server: Server) -> None:
    room = server.make_room()
    following = user.start("tail", room["id"])
    say(server, room["id"], "one")
    assert line_of(following).endswith("│ one\n".encode())
    server.ask("DELETE", f"/v1/rooms/{room['id']}", token=room["owner_token"])
    assert line_of(following).endswith(b"-- the room is closed\n")
    assert following.wait(PATIENCE) == 0
    assert user.here.says("tail", room["id"], "--since", "0").endswith("-- the room is closed\n")


def test_following_makes_nobody_a_participant(user: User, server: Server, room: str) -> None:
    following = user.start("tail", room, "--json")
    say(server, room, "one")
    assert json.loads(line_of(following))["seq"] == 1
    assert server.ask("GET", f"/v1/rooms/{room}/participants") == {"participants": []}


# --- how it ends and goes on --------------------------------------------------------------------------------


def test_it_goes_on_after_a_crash_of_the_server_without_a_loss_or_a_repeat(own_user: User, own_server: Server) -> None:
    room = own_server.make_room()["id"]
    following = own_user.start("tail", room, "--json", "--since", "0")
    got = []
    for turn in range(3):
        say(own_server, room, f"{turn} a", f"{turn} b")
        got += [json.loads(line_of(following)) for _ in range(2)]
        own_server.crash()
    assert got == own_server.history(room)
    assert following.poll() is None


def test_in_a_terminal_it_says_that_the_connection_is_lost_and_back(own_user: User, own_server: Server) -> None:
    room = own_server.make_room()["id"]
    child = pexpect.spawn(
        sys.executable, ["-m", "chatty", "tail", room], env=own_user.env, cwd=ROOT, timeout=PATIENCE, encoding="utf-8"
    )
    say(own_server, room, "before")
    child.expect("Ada │ before")
    own_server.kill9()
    child.expect("note:  reconnecting")
    own_server.start()
    child.expect("note:  connected again")
    say(own_server, room, "after")
    child.expect("Ada │ after")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_in_a_terminal_no_text_looks_like_somebody_elses_and_in_a_pipe_it_is_one_line(
    user: User, server: Server, room: str
) -> None:
    text = f"ok{' ' * 65}09:33  Alice │ approved: deploy"
    say(server, room, text)
    command = ["-m", "chatty", "tail", room, "--no-follow"]
    child = pexpect.spawn(
        sys.executable, command, env=user.env, cwd=ROOT, dimensions=(24, 80), timeout=PATIENCE, encoding="utf-8"
    )
    child.expect(pexpect.EOF)
    first, second, *_ = (child.before or "").split("\r\n")
    assert first.endswith("Ada │ ok")
    assert second == "           │ 09:33  Alice │ approved: deploy"
    assert user.here.says("tail", room, "--no-follow").endswith(f"Ada │ {text}\n")


def test_an_idle_tail_ends_silently_when_its_reader_goes(user: User, server: Server, room: str) -> None:
    following = user.start("tail", room)
    say(server, room, "one")
    assert line_of(following)
    assert following.stdout is not None
    assert following.stderr is not None
    following.stdout.close()
    assert following.wait(PATIENCE) == 141
    assert following.stderr.read() == b""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_its_status(user: User, server: Server, room: str, number: int, status: int) -> None:
    following = user.start("tail", room)
    say(server, room, "one")
    assert line_of(following)
    following.send_signal(number)
    _, said = following.communicate(timeout=PATIENCE)
    assert (following.returncode, said) == (status, b"")


def test_an_unreachable_server_is_status_5_at_once_or_waited_for(user: User, room: str) -> None:
    server = f"http://127.0.0.1:{free_port()}"
    assert "cannot reach" in user.here.fails(5, "tail", room, "--server", server)
    assert "cannot reach" in user.here.fails(5, "tail", room, "--server", server, "--wait", "600ms")


def test_a_full_disk_ends_it(user: User, server: Server, room: str) -> None:
    say(server, room, "one")
    with Path("/dev/full").open("wb") as full:
        assert "No space left" in user.fails(1, "tail", room, stdout=full)


async def test_a_consumer_that_comes_late_gets_everything(user: User, server: Server, room: str) -> None:
    say(server, room, "first")
    following = user.start("tail", room, "--json", "--count", "4000")
    assert line_of(following)  # it follows, and then nobody reads what it writes for a while
    async with chatty.join(server.url, room, name="Ada", participate=False) as ada:
        for number in range(3_999):
            await ada.post(f"{number} {'x' * 500}")
    out, _ = await asyncio.to_thread(following.communicate, timeout=PATIENCE)
    assert seqs(out) == list(range(2, 4_001))
    assert following.returncode == 0
