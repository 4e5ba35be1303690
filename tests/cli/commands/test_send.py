"""`send` ends well only when everything is stored: in order, each message once, as it was said."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

import chatty
from chatty.protocol import MESSAGE_BYTES, Ack, Error, Frame, Produce, Producing, Say, Send
from tests.cli.user import Running, User
from tests.support.scripted import Scripted, accepts, problem, refusing, talks
from tests.support.server import PATIENCE, ROOT, Server, free_port


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)


def test_the_arguments_are_one_message(user: User, server: Server, room: str) -> None:
    assert user.says("send", room, "hello", "world") == ""
    assert [(event["participant"], event["text"]) for event in server.history(room)] == [("John", "hello world")]


def test_sending_makes_nobody_a_participant(user: User, server: Server, room: str) -> None:
    user.here.run("send", room, "hello", "--name", "Ada")
    assert [event["event_type"] for event in server.history(room)] == ["message"]


def test_a_pipe_is_stored_line_by_line_in_order_each_once(user: User, server: Server, room: str) -> None:
    lines = [f"line {number}" for number in range(10_000)]
    user.run("send", room, said="\n".join(lines).encode())
    assert server.texts(room) == lines


def test_a_line_that_comes_slowly_goes_at_once(user: User, server: Server, room: str) -> None:
    sending = user.start("send", room)
    assert sending.stdin is not None
    for number in range(3):
        sending.stdin.write(b"line %d\nhalf" % number)
        wait_until(lambda: len(server.texts(room)) > number)  # noqa: B023  called in this turn
        sending.stdin.write(b"\n")
    sending.stdin.close()
    assert sending.wait(PATIENCE) == 0
    assert server.texts(room) == ["line 0", "half", "line 1", "half", "line 2", "half"]


def test_what_a_line_holds_goes_as_it_is(user: User, server: Server, room: str) -> None:
    lines = [
        "\x00nul",
        "\x1b[2Jclear\x1b[31",
        "tab\tand\rreturn",
        '{"json":"yes"}',
        "😀 é \u202e",
        "  spaces  ",
        "-- dash",
    ]
    user.here.run("send", room, said="\n".join(lines).encode())
    assert server.texts(room) == lines


def test_what_had_to_be_changed_is_counted_on_stderr(user: User, server: Server, room: str) -> None:
    said = b"ok\n\n \nb\xff\n" + b"x" * (MESSAGE_BYTES + 1) + b"\n"
    done = user.here.run("send", room, said=said)
    assert done.stderr.decode() == ("note:  lines: 2 blank, skipped; 1 too long, split; 1 not UTF-8, repaired\n")
    assert server.texts(room) == ["ok", "b\ufffd", "x" * MESSAGE_BYTES, "x"]
    told = json.loads(user.here.run("send", room, "--json", said=b"\na").stderr)
    assert told == {"event_type": "note", "blank": 1, "split": 0, "repaired": 0, "uncolored": 0}


def test_colours_and_a_cr_at_the_end_are_not_stored_and_are_counted(user: User, server: Server, room: str) -> None:
    said = b"\x1b[1;31mred\x1b[0m\r\nplain\nwindows\r\na\rb\n\xc2\x9b4mline\n\x1b[m\r\n"
    done = user.here.run("send", room, "--key", "k", said=said)
    assert done.stderr.decode() == "note:  lines: 1 blank, skipped; 3 with colours or a CR at the end, sent without\n"
    assert server.texts(room) == ["red", "plain", "windows", "a\rb", "line"]
    again = user.here.run("send", room, "--key", "k", said=said)
    assert "5 of 5 lines were already stored" in again.stderr.decode()
    user.here.run("send", room, "--raw", "--strict", said=b"\x1b[31mred\x1b[0m\r\n")
    assert server.texts(room)[5:] == ["\x1b[31mred\x1b[0m\r"]
    assert "line 2 has colours (--raw" in user.here.fails(6, "send", room, "--strict", said=b"a\n\x1b[31mred\n")
    assert "line 1 ends with a CR" in user.here.fails(6, "send", room, "--strict", said=b"a\r\n")


def test_a_block_is_stored_without_colours_too(user: User, server: Server, room: str) -> None:
    said = b"\x1b[31mred\x1b[0m\r\nplain\r\n" + b"\x1b[0m" * MESSAGE_BYTES
    done = user.here.run("send", room, "--block", said=said)
    assert done.stderr.decode() == "note:  lines: 3 with colours or a CR at the end, sent without\n"
    user.here.run("send", room, "--block", "--raw", said=b"\x1b[31mred\r\n")
    assert server.texts(room) == ["red\nplain\n", "\x1b[31mred\r"]
    assert "the text has colours" in user.here.fails(6, "send", room, "--block", "--strict", said=said)


def test_strict_sends_nothing_from_the_odd_line_on_and_says_its_number(user: User, server: Server, room: str) -> None:
    said = user.here.fails(6, "send", room, "--strict", said=b"one\ntwo\n\xff\nfour\n")
    assert "line 3 is not UTF-8" in said
    assert server.texts(room) == ["one", "two"]


def test_a_block_is_one_message(user: User, server: Server, room: str) -> None:
    user.here.run("send", room, "--block", said=b"one\n\ntwo\n")
    assert server.texts(room) == ["one\n\ntwo"]


def test_a_block_that_does_not_fit_is_refused_whole(user: User, server: Server, room: str) -> None:
    assert "16,384" in user.here.fails(6, "send", room, "--block", said=b"x\n" * MESSAGE_BYTES)
    assert server.texts(room) == []


def test_nothing_to_send_is_done_at_once(user: User, room: str) -> None:
    with Path(os.devnull).open("rb") as nothing:
        assert user.run("send", room, stdin=nothing).returncode == 0


def test_with_json_every_ack_is_printed_as_on_the_wire(user: User, room: str) -> None:
    acks = user.here.says("send", room, "--json", said=b"a\nb\n").splitlines()
    assert acks == ['{"event_type":"ack","n":1,"seq":1}', '{"event_type":"ack","n":2,"seq":2}']


def test_acks_wait_for_a_reader_that_comes_late(user: User, server: Server, room: str, tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"".join(b"%d\n" % number for number in range(30_000)))
    with (tmp_path / "lines").open("rb") as lines:
        sending = user.start("send", room, "--json", stdin=lines)
    wait_until(lambda: len(server.history(room)) > 5_000)  # more acks than a pipe holds
    out, _ = sending.communicate(timeout=PATIENCE)
    assert sending.returncode == 0
    assert [json.loads(ack)["n"] for ack in out.splitlines()] == list(range(1, 30_001))


def test_arguments_that_are_not_utf8_are_repaired_too(user: User, server: Server, room: str) -> None:
    user.run("send", room, os.fsdecode(b"caf\xe9"))
    assert server.texts(room) == ["caf\ufffd"]


@pytest.mark.parametrize(
    ("command", "option"), [("send", "--key"), ("send", "--name"), ("ask", "--choices"), ("ask", "--from")]
)
def test_an_option_that_is_not_utf8_is_wrong_usage(user: User, room: str, command: str, option: str) -> None:
    told = user.fails(2, command, room, "hello", option, os.fsdecode(b"caf\xe9"))
    assert f"{option}': 'caf\\udce9' is not UTF-8" in told


def test_in_a_terminal_without_a_text_it_says_how_it_is_used(user: User, room: str) -> None:
    child = pexpect.spawn(
        sys.executable, ["-m", "chatty", "send", room], env=user.env, cwd=ROOT, timeout=PATIENCE, encoding="utf-8"
    )
    said = child.read()
    child.close()
    assert child.exitstatus == 2
    assert "command | chatty send ROOM" in said


def test_every_way_to_fail_has_its_status(user: User, server: Server, room: str) -> None:
    assert "no room" in user.here.fails(3, "send", "1" * 27, "x")
    assert "A message needs some text" in user.here.fails(6, "send", room, " ")
    assert "reserved" in user.here.fails(6, "send", room, "x", "--name", "system")
    assert "cannot reach" in user.here.fails(5, "send", room, "x", "--server", f"http://127.0.0.1:{free_port()}")
    closed = server.make_room()
    server.ask("DELETE", f"/v1/rooms/{closed['id']}", token=closed["owner_token"])
    assert "closed" in user.here.fails(6, "send", closed["id"], "x")


def test_a_room_that_closes_ends_a_send_that_waits_for_input(user: User, server: Server) -> None:
    room = server.make_room()
    sending = user.start("send", room["id"])
    assert sending.stdin is not None
    sending.stdin.write(b"one\n")
    wait_until(lambda: bool(server.texts(room["id"])))
    server.ask("DELETE", f"/v1/rooms/{room['id']}", token=room["owner_token"])
    wait_until(lambda: server.history(room["id"])[-1]["event_type"] == "room_closed")
    sending.stdin.write(b"two\n")
    assert sending.wait(PATIENCE) == 6


async def test_a_name_that_somebody_else_holds_is_refused(user: User, server: Server, room: str) -> None:
    async with chatty.join(server.url, room, name="Ada"):
        said = await asyncio.to_thread(user.fails, 6, "send", room, "x", "--name", "Ada")
        waiting = user.start("send", room, "--name", "Ada")
        assert waiting.stdin is not None
        waiting.stdin.write(b"one\n")
        assert await asyncio.to_thread(waiting.wait, PATIENCE) == 6, "it need not wait for the end of its input"
    assert said.endswith("hint:  choose a name: --name NAME\n")


def test_it_waits_for_a_server_that_is_yet_to_come(user: User, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("late") / "data"
    with Server(data) as server:
        room = server.make_room()["id"]
        server.stop()
        sending = user.start("send", room, "at last", "--server", server.url, "--wait", "60")
        server.start()
        assert sending.wait(PATIENCE) == 0
        assert server.texts(room) == ["at last"]


def test_a_server_that_crashes_meanwhile_loses_nothing_and_repeats_nothing(own_user: User, own_server: Server) -> None:
    room = own_server.make_room()["id"]
    lines = [f"line {number}" for number in range(3_000)]
    sending = own_user.start("send", room)
    assert sending.stdin is not None
    for part in range(3):
        sending.stdin.write("".join(f"{line}\n" for line in lines[part * 1_000 : (part + 1) * 1_000]).encode())
        wait_until(lambda: len(own_server.texts(room)) > part * 1_000)  # noqa: B023  called in this turn
        own_server.crash()
    sending.stdin.close()
    assert sending.wait(PATIENCE) == 0
    assert own_server.texts(room) == lines


def test_without_progress_it_gives_up_with_status_5_and_an_account(own_user: User, own_server: Server) -> None:
    room = own_server.make_room()["id"]
    sending = own_user.start("send", room, "--timeout", "1s")
    assert sending.stdin is not None
    sending.stdin.write(b"one\n")
    wait_until(lambda: bool(own_server.texts(room)))
    own_server.make_room()  # by then, the ack of the message before it is on its way
    own_server.kill9()
    sending.stdin.write(b"two\n")
    _, said = sending.communicate(timeout=PATIENCE)
    assert sending.returncode == 5
    assert b"no ack for 1 s" in said
    assert b"(1 stored, 1 not known)" in said


@pytest.mark.parametrize("code", ["unavailable", "busy", "rate_limited"])
async def test_what_is_refused_for_the_moment_ends_it_with_5_as_all_that_is_worth_another_try(
    user: User, code: str
) -> None:
    sends = ("send", "1" * 27, "--timeout", "500ms")
    async with Scripted(problem(503, code)) as scripted:
        assert f"because of {code}" in await asyncio.to_thread(user.fails, 5, *sends, "x", "--server", scripted.url)
    async with Scripted(talks(reply=refusing(code, times=1_000_000))) as scripted:
        said = await asyncio.to_thread(user.fails, 5, *sends, "--server", scripted.url, said=b"a\nb\n")
    assert said.endswith("(0 stored, 2 not known)\nhint:  with --key a second run sends what is missing\n")


async def test_an_ack_that_came_while_the_command_was_stopped_counts(user: User) -> None:
    started: list[Running] = []

    def reply(command: Produce | Say) -> Frame:
        if isinstance(command, Send):
            wait_until(lambda: Path(f"/proc/{started[0].pid}/stat").read_text().rpartition(") ")[2][0] == "S")
            started[0].send_signal(signal.SIGSTOP)  # it has said all that it had to, and waits
        return accepts(command)

    async with Scripted(talks(reply=reply)) as scripted:
        started.append(user.start("send", "1" * 27, "--server", scripted.url, "--timeout", "1s"))
        assert started[0].stdin is not None
        started[0].stdin.write(b"one\n")
        started[0].stdin.close()
        await asyncio.to_thread(os.waitid, os.P_PID, started[0].pid, os.WSTOPPED)
        await asyncio.sleep(2)  # not for anything to happen, but because more than the second must have passed
        started[0].send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(started[0].wait, PATIENCE) == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_its_status(user: User, server: Server, room: str, number: int, status: int) -> None:
    sending = user.start("send", room)
    assert sending.stdin is not None
    sending.stdin.write(b"one\n")
    wait_until(lambda: bool(server.texts(room)))
    sending.send_signal(number)
    _, said = sending.communicate(timeout=PATIENCE)
    assert (sending.returncode, said) == (status, b"")


def test_a_signal_that_is_ignored_stays_so(user: User, server: Server, room: str) -> None:
    sending = user.start("send", room, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert sending.stdin is not None
    sending.stdin.write(b"one\n")
    wait_until(lambda: bool(server.texts(room)))
    sending.send_signal(signal.SIGHUP)
    sending.communicate(b"two\n", timeout=PATIENCE)
    assert sending.returncode == 0
    assert server.texts(room) == ["one", "two"]


def test_who_stops_reading_the_acks_ends_it(user: User, room: str) -> None:
    sending = user.start("send", room, "--json")
    assert sending.stdin is not None
    assert sending.stdout is not None
    sending.stdin.write(b"one\n")
    assert sending.stdout.readline()
    sending.stdout.close()
    assert sending.wait(PATIENCE) == 141


def test_a_rerun_with_the_same_key_sends_what_is_missing(user: User, server: Server, room: str) -> None:
    lines = [f"line {number}" for number in range(20_000)]
    said = "\n".join(lines).encode()
    first = user.start("send", room, "--key", "build-7")
    assert first.stdin is not None
    first.stdin.write(said[: len(said) // 2])
    wait_until(lambda: bool(server.texts(room)))
    first.kill()
    assert first.wait(PATIENCE) == -signal.SIGKILL
    assert 0 < len(server.texts(room)) < len(lines)
    stored = len(server.texts(room))  # at least: the server may have more of them in hand
    told = user.here.fails(0, "send", room, "--key", "build-7", said=said)
    assert server.texts(room) == lines
    count, _, rest = told.removeprefix("note:  ").partition(" ")
    assert stored <= int(count.replace(",", "")) < len(lines)
    assert rest == "of 20,000 lines were already stored\n"
    told = user.here.fails(0, "send", room, "--key", "build-7", said=said)
    assert told == "note:  20,000 of 20,000 lines were already stored\n"
    assert server.texts(room) == lines
    user.here.run("send", room, "--key", "build-8", said=b"again")
    assert server.texts(room)[-1] == "again"


async def test_a_line_that_is_refused_is_what_a_rerun_with_the_same_key_begins_with(user: User) -> None:
    stored: list[str] = []
    muted = ["two"]

    def reply(command: Produce | Say) -> Frame:
        if isinstance(command, Produce):
            return Producing(len(stored))
        assert isinstance(command, Send)
        assert command.n is not None
        if command.n != len(stored) + 1:
            return Error(n=command.n, code="out_of_order", message="")
        if command.text in muted:
            return Error(n=command.n, code="muted", message="You are muted.")
        stored.append(command.text)
        return Ack(n=command.n, seq=command.n)

    lines = ["one", "two", *map(str, range(2_000))]
    said = "\n".join(lines).encode()
    async with Scripted(talks(reply=reply)) as scripted:
        send = ("send", "1" * 27, "--key", "K", "--server", scripted.url)
        told = await asyncio.to_thread(user.fails, 4, *send, said=said)
        assert stored == ["one"]
        assert told.startswith("error: You are muted. (1 stored, ")
        assert "hint" not in told, "another run would be refused, too"
        muted.clear()
        await asyncio.to_thread(user.run, *send, said=said)
    assert stored == lines


def test_what_a_closed_room_is_told_again_is_not_to_be_tried_again(user: User, server: Server) -> None:
    room = server.make_room()
    user.here.run("send", room["id"], "--key", "K", said=b"a\nb\n")
    server.ask("DELETE", f"/v1/rooms/{room['id']}", token=room["owner_token"])
    done = user.here.run("send", room["id"], "--key", "K", said=b"a\nb\n", status=None)
    assert done.returncode in (0, 6)  # the room's end and its answer that it has both lines come in any order
    assert b"again" not in done.stderr


def test_a_key_needs_an_identity_that_lasts(user: User, server: Server, room: str) -> None:
    user.home.mkdir()
    (user.home / "config").write_text("in the way")
    assert "Not a directory" in user.here.fails(1, "send", room, "--key", "build-7", "hello")
    user.here.run("send", room, "hello")
    assert server.texts(room) == ["hello"]
