"""`bot` runs a command for each message that matches, and its output is the reply."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import chatty
from tests.cli.commands.test_run import ignore_the_deaths_of_children
from tests.cli.commands.test_send import wait_until
from tests.cli.user import Running, User
from tests.support.server import PATIENCE, Server, free_port

SHELL = ("--", "sh", "-c")


def say(server: Server, room: str, text: str, name: str = "Ada") -> int:
    seq: int = server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": name, "text": text})["seq"]
    return seq


def replies(server: Server, room: str) -> list[tuple[int, str]]:
    """(what it replies to, text) of each message of the bot's."""
    return [(event["reply_to"], event["text"]) for event in server.history(room) if event.get("reply_to")]


def bot(user: User, room: str, cursor: Path, *arguments: str, **popen: Any) -> Running:
    """`chatty bot` with a cursor, when it listens."""
    process = user.start("bot", room, "--cursor", str(cursor), *arguments, **popen)
    wait_until(lambda: process.poll() is not None or (cursor.exists() and cursor.stat().st_size > 0))
    return process


HINT = "note:  everybody who knows this room's id can run the command; --from NAME limits that\n"


def ended(process: Running, status: int, *, hint: str = HINT) -> str:
    """What a bot said on standard error, but for the ``hint`` with which it begins if it got that far."""
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, err
    return str(err.decode()).removeprefix(hint)


@pytest.fixture
def cursor(tmp_path: Path) -> Path:
    return tmp_path / "cursor"


def test_what_the_command_prints_is_the_reply(user: User, server: Server, room: str, cursor: Path) -> None:
    say(server, room, "!up before it began")
    bot(user, room, cursor, "--on", "^!up", "--", "cat")
    say(server, room, "nothing for it")
    asked = say(server, room, "!up 1\n  two")
    wait_until(lambda: replies(server, room) == [(asked, "!up 1\n  two")])
    assert server.history(room)[-1]["participant"] == "bot"


def test_the_text_is_in_variables_and_never_in_an_argument_or_a_shell(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    script = "import os, sys, json; print(json.dumps([sys.argv[1:], sys.stdin.read(), dict(os.environ)]))"
    command = ("--", sys.executable, "-c", script, "fixed")
    environ = {**user.env, "CHATTY_MATCH_3": "of a bot that started this one"}
    bot(user, room, cursor, "--on", r"run (\S+)( maybe)?", *command, env=environ)
    text = f"run $(touch${{IFS}}{tmp_path}/owned) `id` ; 'x' \"\0"
    asked = say(server, room, text)
    wait_until(lambda: bool(replies(server, room)))
    arguments, given, variables = json.loads(replies(server, room)[0][1])
    assert arguments == ["fixed"]
    assert given == f"{text}\n"
    told = {name: value for name, value in variables.items() if name.startswith("CHATTY_") and name != "CHATTY_NAME"}
    assert told == {
        "CHATTY_TEXT": text.replace("\0", "\ufffd"),
        "CHATTY_SEQ": str(asked),
        "CHATTY_PARTICIPANT": "Ada",
        "CHATTY_ROOM": room,
        "CHATTY_SERVER": server.url,
        "CHATTY_MATCH_1": text.split()[1],
        "CHATTY_MATCH_2": "",
    }
    assert not (tmp_path / "owned").exists()


def test_it_never_answers_itself(user: User, server: Server, room: str, cursor: Path) -> None:
    bot(user, room, cursor, "--on", "a", "--name", "Echo", "--", "cat")
    say(server, room, "a1", name="\uff25cho")  # the same name, written in wide letters
    asked = say(server, room, "a2")
    last = say(server, room, "a3")
    wait_until(lambda: len(replies(server, room)) >= 2)
    wait_until(lambda: json.loads(cursor.read_bytes())["seq"] >= server.history(room)[-1]["seq"])
    assert replies(server, room) == [(asked, "a2"), (last, "a3")]


def test_nothing_printed_is_no_reply(user: User, server: Server, room: str, cursor: Path) -> None:
    bot(user, room, cursor, "--on", "a", *SHELL, 'test "$CHATTY_TEXT" != a1 && echo yes || echo " "')
    say(server, room, "a1")
    asked = say(server, room, "a2")
    wait_until(lambda: replies(server, room) == [(asked, "yes")])


def test_a_failing_command_is_told_on_stderr_and_not_in_the_room(
    user: User, server: Server, room: str, cursor: Path
) -> None:
    process = bot(user, room, cursor, "--on", "a", *SHELL, "echo out; echo why >&2; exit 3")
    asked = say(server, room, "a")
    wait_until(lambda: json.loads(cursor.read_bytes())["seq"] == asked)
    process.terminate()
    assert ended(process, 143) == f"why\nnote:  message {asked}: the command failed with 3\n"
    assert replies(server, room) == []


def test_a_reply_that_fits_no_message_is_cut_and_says_so(user: User, server: Server, room: str, cursor: Path) -> None:
    bot(user, room, cursor, "--on", "a", *SHELL, "yes é | head -c 3000000")
    say(server, room, "a")
    wait_until(lambda: bool(replies(server, room)))
    text = replies(server, room)[0][1]
    assert text.startswith("é\né\n")
    assert text.endswith("\n… (cut: 3,000,000 bytes)")
    assert 16_380 <= len(text.encode()) <= 16_384


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    script = f"trap '' TERM; echo $$ >> {pids}; sleep 600 & echo $! >> {pids}; wait; wait"
    process = bot(user, room, cursor, "--on", "a", "--timeout", "500ms", *SHELL, script)
    asked = say(server, room, "a")
    wait_until(lambda: json.loads(cursor.read_bytes())["seq"] == asked)
    wait_until(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))
    process.terminate()
    assert ended(process, 143) == f"note:  message {asked}: the command took longer than 0.5 s\n"


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_no_more_run_at_once_than_may(user: User, server: Server, room: str, cursor: Path, tmp_path: Path) -> None:
    script = f"echo + >> {tmp_path}/log; until test -e {tmp_path}/go; do sleep 0.05; done; echo - >> {tmp_path}/log"
    bot(user, room, cursor, "--on", "a", "--jobs", "2", *SHELL, script)
    for _ in range(6):
        say(server, room, "a")
    log = tmp_path / "log"
    wait_until(lambda: log.exists() and len(log.read_text().split()) == 2)
    (tmp_path / "go").touch()
    wait_until(lambda: log.read_text().count("-") == 6)
    running = most = 0
    for step in log.read_text().split():
        running += 1 if step == "+" else -1
        most = max(most, running)
    assert most == 2


def test_the_cursor_stays_before_the_oldest_that_is_not_done(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    script = f'case $CHATTY_TEXT in a1) until test -e {tmp_path}/go; do sleep 0.05; done;; esac; echo "$CHATTY_TEXT"'
    bot(user, room, cursor, "--on", "a", "--jobs", "2", *SHELL, script)
    first = say(server, room, "a1")
    second = say(server, room, "a2")
    wait_until(lambda: replies(server, room) == [(second, "a2")])
    assert json.loads(cursor.read_bytes())["seq"] == first - 1
    (tmp_path / "go").touch()
    wait_until(lambda: json.loads(cursor.read_bytes())["seq"] >= second)
    assert replies(server, room) == [(second, "a2"), (first, "a1")]


def slow_and_fast(tmp_path: Path) -> str:
    """Logs what is done, and prints something else each time; "a slow" waits for the file "go"."""
    slow = f"until test -e {tmp_path}/go; do sleep 0.05; done; echo end >> {tmp_path}/log"
    return f"echo $CHATTY_SEQ >> {tmp_path}/log; case $CHATTY_TEXT in *slow) {slow};; esac; date +%N"


def test_a_slow_command_keeps_nobody_from_the_other_places_and_a_kill_loses_and_repeats_no_reply(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    arguments = ("--on", "a", "--jobs", "2", *SHELL, slow_and_fast(tmp_path))
    process = bot(user, room, cursor, *arguments)
    slow = say(server, room, "a slow")
    fast = [say(server, room, "a") for _ in range(5)]
    wait_until(lambda: [seq for seq, _ in replies(server, room)] == fast)
    answered = replies(server, room)
    assert json.loads(cursor.read_bytes())["seq"] == slow - 1
    process.kill()
    process.wait(PATIENCE)
    (tmp_path / "go").touch()
    missed = say(server, room, "a while it is away")
    bot(user, room, cursor, *arguments)
    wait_until(lambda: json.loads(cursor.read_bytes())["seq"] >= missed)
    assert replies(server, room)[:5] == answered
    assert sorted(seq for seq, _ in replies(server, room)) == [slow, *fast, missed]


def test_no_more_than_a_hundred_are_begun_from_the_oldest_on_that_is_not_done(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    bot(user, room, cursor, "--on", "a", "--jobs", "2", *SHELL, f"{slow_and_fast(tmp_path)} > /dev/null")
    asked = [str(say(server, room, text)) for text in ("a slow", *["a"] * 109)]
    log = tmp_path / "log"
    wait_until(lambda: log.exists() and len(log.read_text().split()) >= 100)
    (tmp_path / "go").touch()
    wait_until(lambda: json.loads(cursor.read_bytes())["seq"] == int(asked[-1]))
    begun = log.read_text().split()
    assert sorted(begun[:100]) == sorted(asked[:100])
    assert begun[100] == "end"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_what_it_runs(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path, number: int
) -> None:
    process = bot(user, room, cursor, "--on", "a", *SHELL, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    asked = say(server, room, "a")
    wait_until(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text()))
    process.send_signal(number)
    assert ended(process, 128 + number) == ""
    assert not alive(int((tmp_path / "pid").read_text()))
    assert json.loads(cursor.read_bytes())["seq"] == asked - 1


def test_it_ends_with_the_room(user: User, server: Server, cursor: Path) -> None:
    made = server.make_room()
    process = bot(user, made["id"], cursor, "--on", "a", "--", "cat")
    server.ask("DELETE", f"/v1/rooms/{made['id']}", token=made["owner_token"])
    assert ended(process, 0) == ""


@pytest.mark.parametrize(("name", "status"), [("no-such-command", 127), ("./no-such-file", 127), ("./docs", 126)])
def test_a_command_that_cannot_be_started_ends_it_at_once(user: User, room: str, name: str, status: int) -> None:
    assert user.here.fails(status, "bot", room, "--on", "a", "--", name).startswith(f"error: {name}: ")


def test_a_command_that_is_gone_when_it_is_needed_ends_it_and_the_message_waits(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    command = tmp_path / "command"
    command.write_text("#!/bin/sh\ncat\n")
    command.chmod(0o755)
    process = bot(user, room, cursor, "--on", "a", "--", str(command))
    command.unlink()
    asked = say(server, room, "a")
    assert ended(process, 127) == f"error: {command}: No such file or directory\n"
    bot(user, room, cursor, "--on", "a", "--", "cat")
    wait_until(lambda: replies(server, room) == [(asked, "a")])


async def test_a_reply_that_the_room_refuses_is_told_and_the_bot_goes_on(
    user: User, server: Server, room: str, cursor: Path
) -> None:
    process = bot(user, room, cursor, "--on", "a", "--", "echo", "hi")
    async with chatty.join(server.url, room, name="bot"):
        refused = say(server, room, "a")
        await asyncio.to_thread(wait_until, lambda: json.loads(cursor.read_bytes())["seq"] >= refused)
    wait_until(lambda: server.ask("GET", f"/v1/rooms/{room}/participants")["participants"] == [])
    asked = say(server, room, "a")
    wait_until(lambda: replies(server, room) == [(asked, "hi")])
    process.terminate()
    said = ended(process, 143)
    assert said.startswith(f"note:  message {refused}: the reply was refused (Somebody else holds the name")
    assert said.count("\n") == 1


def test_what_a_command_leaves_in_the_background_keeps_nobody_waiting_and_may_end_in_order(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    left = f"trap 'echo over > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/end; exit' TERM; echo ready; "
    left += "while true; do sleep 0.05; done"
    script = f"mkfifo {tmp_path}/fifo; (({left}) | tee {tmp_path}/fifo) & read line < {tmp_path}/fifo; echo started"
    bot(user, room, cursor, "--on", "a", "--timeout", "1h", *SHELL, script)
    asked = say(server, room, "a")
    wait_until(lambda: [(to, text.split()[-1]) for to, text in replies(server, room)] == [(asked, "started")])
    assert (tmp_path / "end").exists()


def test_who_leaves_the_group_with_the_output_costs_the_bot_nothing(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    script = f"setsid sh -c 'echo $$ >> {pids}; exec sleep 600' & until grep -q . {pids}; do sleep 0.05; done; echo hi"
    process = bot(user, room, cursor, "--on", "a", "--timeout", "1h", *SHELL, script)

    def run_once() -> None:
        asked = say(server, room, "a")
        wait_until(lambda: (asked, "hi") in replies(server, room))
        wait_until(lambda: json.loads(cursor.read_bytes())["seq"] >= asked)

    def open_files() -> int:
        return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))

    try:
        run_once()
        first = open_files()
        for _ in range(5):
            run_once()
        assert open_files() <= first + 1  # a cursor that is being saved is one more for a moment
        assert all(alive(int(pid)) for pid in pids.read_text().split())
    finally:
        for pid in pids.read_text().split():
            os.kill(int(pid), signal.SIGKILL)


def test_it_works_under_who_ignores_the_deaths_of_children_and_with_scripts_without_a_first_line(
    user: User, server: Server, room: str, cursor: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("read line; echo $line to you")
    script.chmod(0o755)
    bot(user, room, cursor, "--on", "a", "--", str(script), preexec_fn=ignore_the_deaths_of_children)
    asked = say(server, room, "a")
    wait_until(lambda: replies(server, room) == [(asked, "a to you")])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--on", "(", "--", "cat"), "is not a regular expression"),
        (("--on", "", "--", "cat"), "'--on': it is empty"),
        (("--on", "a", "--name", "", "--", "cat"), "'--name': it is empty"),
        (("--on", "a"), "missing argument"),
        (("--", "cat"), "--on"),
        (("--on", "a", "--jobs", "0", "--", "cat"), "--jobs"),
    ],
)
def test_what_makes_no_sense_is_told_at_once(user: User, room: str, arguments: tuple[str, ...], said: str) -> None:
    assert said in user.here.fails(2, "bot", room, *arguments)


def test_a_server_that_is_not_there_is_told_at_once(user: User, room: str) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    assert "connection refused" in user.here.fails(5, "bot", room, "--on", "a", "--server", elsewhere, "--", "cat")


def test_a_cursor_is_one_bots_at_a_time_and_one_rooms(user: User, server: Server, room: str, cursor: Path) -> None:
    process = bot(user, room, cursor, "--on", "a", "--", "cat")
    again = ("--on", "a", "--cursor", str(cursor), "--", "cat")
    assert "in use" in user.here.fails(1, "bot", room, *again)
    process.kill()
    process.wait(PATIENCE)
    assert "another room" in user.here.fails(2, "bot", server.make_room()["id"], *again)


def test_a_bot_that_obeys_everybody_says_so_once(user: User, server: Server, room: str, cursor: Path) -> None:
    process = bot(user, room, cursor, "--on", ".", "--", "cat")
    asked = say(server, room, "one")
    wait_until(lambda: replies(server, room) == [(asked, "one")])
    process.terminate()
    assert ended(process, 143, hint="") == HINT


def test_a_bot_that_obeys_some_names_says_that_they_prove_nothing(
    user: User, server: Server, room: str, cursor: Path
) -> None:
    process = bot(user, room, cursor, "--on", ".", "--from", "ADA", "--from", "Grace", "--", "cat")
    say(server, room, "no", name="Eve")
    asked = say(server, room, "yes", name="Ada")
    wait_until(lambda: replies(server, room) == [(asked, "yes")])
    process.terminate()
    assert ended(process, 143, hint="") == (
        "note:  this server verifies no names: anybody can run the command as ADA or Grace\n"
    )
