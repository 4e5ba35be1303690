"""`tail --cursor` goes on where it stopped, whatever ended it, and leaves alone what others wrote."""

from __future__ import annotations

import json
import os
import random
import select
from pathlib import Path

import pytest

from tests.cli.commands.test_send import wait_until
from tests.cli.commands.test_tail import line_of, say, seqs
from tests.cli.user import User
from tests.support.server import PATIENCE, Server


def test_a_new_cursor_begins_at_the_rooms_first_event_and_later_runs_go_on(
    user: User, server: Server, room: str, tmp_path: Path
) -> None:
    cursor = str(tmp_path / "cursor")
    say(server, room, *(str(number) for number in range(20)))
    assert len(user.here.events(room, "--cursor", cursor)) == 20
    assert user.here.events(room, "--cursor", cursor) == []
    say(server, room, "new")
    assert [event["text"] for event in user.here.events(room, "--cursor", cursor)] == ["new"]
    assert user.here.events(room, "--cursor", cursor, "--since", "0") == [], "an old cursor knows better"


def test_a_new_cursor_may_begin_elsewhere(user: User, server: Server, room: str, tmp_path: Path) -> None:
    say(server, room, "one", "two", "three")
    assert user.here.events(room, "--cursor", str(tmp_path / "end"), "-n", "0") == []
    say(server, room, "four")
    assert [event["text"] for event in user.here.events(room, "--cursor", str(tmp_path / "end"))] == ["four"]
    assert [event["text"] for event in user.here.events(room, "--cursor", str(tmp_path / "last"), "-n", "2")] == [
        "three",
        "four",
    ]
    assert [event["seq"] for event in user.here.events(room, "--cursor", str(tmp_path / "since"), "--since", "2")] == [
        3,
        4,
    ]


def test_count_leaves_the_cursor_at_the_last_event_that_went_out(
    user: User, server: Server, room: str, tmp_path: Path
) -> None:
    say(server, room, "one", "two", "three")
    arguments = ("tail", room, "--json", "--cursor", str(tmp_path / "cursor"), "--count", "1")
    assert [json.loads(user.says(*arguments))["text"] for _ in range(3)] == ["one", "two", "three"]


def test_a_cursor_of_another_room_is_refused(user: User, server: Server, room: str, tmp_path: Path) -> None:
    cursor = str(tmp_path / "cursor")
    user.here.events(room, "--cursor", cursor)
    assert "is a cursor of another room" in user.here.fails(2, "tail", server.make_room()["id"], "--cursor", cursor)


def test_two_tails_do_not_share_a_cursor(user: User, server: Server, room: str, tmp_path: Path) -> None:
    cursor = str(tmp_path / "cursor")
    following = user.start("tail", room, "--cursor", cursor)
    say(server, room, "one")
    assert line_of(following)
    assert "in use by another command" in user.here.fails(1, "tail", room, "--cursor", cursor)


def test_into_a_pipe_a_kill_may_repeat_the_last_lines_but_loses_none(
    user: User, server: Server, room: str, tmp_path: Path
) -> None:
    writing = user.start("send", room, stdout=None)
    assert writing.stdin is not None
    got: list[int] = []
    chance = random.Random(7)
    for turn in range(4):
        following = user.start("tail", room, "--json", "--cursor", str(tmp_path / "cursor"))
        writing.stdin.write(b"".join(b"%d\n" % number for number in range(turn * 100, turn * 100 + 100)))
        first = [line_of(following) for _ in range(chance.randrange(1, 60))]
        following.kill()
        rest, _ = following.communicate(timeout=PATIENCE)
        whole = b"".join(first) + rest[: rest.rfind(b"\n") + 1]
        again = seqs(whole)
        assert again == list(range(again[0], again[0] + len(again)))
        assert not got or again[0] <= got[-1] + 1, "a line is missing"
        got = sorted({*got, *again})
    got = sorted({*got, *(event["seq"] for event in user.here.events(room, "--cursor", str(tmp_path / "cursor")))})
    assert got == list(range(1, 401))


def test_into_one_pipe_runs_that_are_stopped_bring_each_line_once_and_whole(
    user: User, server: Server, room: str, tmp_path: Path
) -> None:
    say(server, room, *(f"{number} {'x' * 9_000}" for number in range(10)))  # so much that the pipe is always full
    reader, writer = os.pipe()
    got = b""
    chance = random.Random(5)
    while got.count(b"\n") < 10:
        following = user.start("tail", room, "--json", "--cursor", str(tmp_path / "cursor"), stdout=writer)
        got += os.read(reader, chance.randrange(1, 60_000))
        following.terminate()
        while following.poll() is None or select.select([reader], [], [], 0)[0]:
            if select.select([reader], [], [], 0.01)[0]:
                got += os.read(reader, 5_000)
        assert following.returncode == 143
    os.close(reader)
    os.close(writer)
    assert seqs(got) == list(range(1, 11))


@pytest.mark.parametrize("append", [True, False], ids=["append", "truncated-once"])
def test_into_a_file_each_event_comes_exactly_once_whatever_kills_it(
    user: User, server: Server, room: str, tmp_path: Path, append: bool
) -> None:
    writing = user.start("send", room, stdout=None)
    assert writing.stdin is not None
    out, cursor = tmp_path / "out", tmp_path / "cursor"
    out.write_bytes(b"")
    chance = random.Random(11)
    flags = os.O_WRONLY | (os.O_APPEND if append else 0)
    for turn in range(5):
        descriptor = os.open(out, flags)
        before = out.stat().st_size
        following = user.start("tail", room, "--json", "--cursor", str(cursor), stdout=descriptor)
        os.close(descriptor)
        writing.stdin.write(b"".join(b"%d\n" % number for number in range(turn * 300, turn * 300 + 300)))
        wait_until(lambda: out.stat().st_size > before + chance.randrange(1, 9_000))  # noqa: B023  called in this turn
        following.kill()
        following.wait(PATIENCE)
    writing.stdin.close()
    assert writing.wait(PATIENCE) == 0
    descriptor = os.open(out, flags)
    user.run("tail", room, "--json", "--no-follow", "--cursor", str(cursor), stdout=descriptor)
    os.close(descriptor)
    assert seqs(out.read_bytes()) == list(range(1, 5 * 300 + 1))


def test_what_other_commands_write_to_the_same_file_stays(
    user: User, server: Server, room: str, tmp_path: Path
) -> None:
    say(server, room, "one")
    arguments = ("tail", room, "--json", "--no-follow", "--cursor", str(tmp_path / "cursor"))
    with (tmp_path / "log").open("wb") as log:  # as a job's standard output, inherited by each command
        for line in (b"backup: 3 files FAILED\n", b"end\n"):
            done = user.run(*arguments, stdout=log)
            assert done.stderr == b""
            log.write(line)
            log.flush()
        say(server, room, "two")
        user.run(*arguments, stdout=log)
    first, failed, end, second = (tmp_path / "log").read_text().splitlines()
    assert (failed, end) == ("backup: 3 files FAILED", "end")
    assert [json.loads(line)["text"] for line in (first, second)] == ["one", "two"]


def test_what_was_in_the_file_before_is_never_cut(user: User, server: Server, room: str, tmp_path: Path) -> None:
    out, cursor = tmp_path / "out", tmp_path / "cursor"
    out.write_text("before\n")
    appending = os.open(out, os.O_WRONLY | os.O_APPEND)  # as >> does it: its offset is 0 until something is written
    following = user.start("tail", room, "--cursor", str(cursor), stdout=appending)
    os.close(appending)
    wait_until(lambda: cursor.exists() and cursor.stat().st_size > 0)
    following.kill()
    following.wait(PATIENCE)
    say(server, room, "one")
    with out.open("ab") as file:
        user.run("tail", room, "--no-follow", "--cursor", str(cursor), stdout=file)
    first, second = out.read_text().splitlines()
    assert first == "before"
    assert second.endswith("│ one")


def test_another_output_file_is_not_cut(user: User, server: Server, room: str, tmp_path: Path) -> None:
    cursor = str(tmp_path / "cursor")
    say(server, room, "one")
    with (tmp_path / "first").open("wb") as file:
        user.run("tail", room, "--no-follow", "--cursor", cursor, stdout=file)
    (tmp_path / "second").write_bytes(b"x" * 10_000)
    with (tmp_path / "second").open("ab") as file:
        user.run("tail", room, "--no-follow", "--cursor", cursor, stdout=file)
    assert (tmp_path / "second").read_bytes() == b"x" * 10_000
