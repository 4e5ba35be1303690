"""`ask`, `run` and `bot` keep what they promise when they, or the server, are killed in the middle."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.scale import scaled
from tests.support.server import PATIENCE, Server
from tests.support.shell import Shell, kill9


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Iterator[Shell]:
    with Shell(tmp_path / "home", server.url) as someone:
        yield someone


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)


def say(server: Server, room: str, text: str, reply_to: int = 0) -> int:
    body = {"participant": "Ada", "text": text, "reply_to": reply_to}
    seq: int = server.ask("POST", f"/v1/rooms/{room}/messages", body)["seq"]
    return seq


def replies(server: Server, room: str) -> list[tuple[int, str]]:
    return [(event["reply_to"], event["text"]) for event in server.history(room) if event.get("reply_to")]


def output(process: subprocess.Popen[bytes]) -> str:
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return out.decode()


# --- ask ----------------------------------------------------------------------------------------------------


def test_a_question_outlives_the_server(shell: Shell, server: Server, room_id: str) -> None:
    asking = shell.start("chatty", "ask", room_id, "Deploy?", stdout=subprocess.PIPE)
    wait_until(lambda: server.texts(room_id) == ["Deploy? (reply to answer)"])
    server.crash()
    server.restart()
    say(server, room_id, "yes", reply_to=1)
    assert output(asking) == "yes\n"
    assert server.texts(room_id) == ["Deploy? (reply to answer)", "yes", "answered by Ada: yes"]


def test_a_question_with_a_key_outlives_everybody(shell: Shell, server: Server, room_id: str) -> None:
    command = ("chatty", "ask", room_id, "Deploy?", "--key", "K")
    for _ in range(2):
        asking = shell.start(*command, stdout=subprocess.DEVNULL)
        wait_until(lambda: server.texts(room_id) == ["Deploy? (reply to answer)"])
        kill9(asking)
        server.crash()
    say(server, room_id, "yes", reply_to=1)
    server.crash()
    assert output(shell.start(*command, stdout=subprocess.PIPE)) == "yes\n"
    assert server.texts(room_id) == ["Deploy? (reply to answer)", "yes", "answered by Ada: yes"]


def test_scripts_go_by_the_answer_and_by_its_status(shell: Shell, room_id: str) -> None:
    ask = f"chatty ask {room_id} 'Deploy?' --choices yes,no --timeout 50ms"
    assert shell.run(f'case "$({ask} --default no)" in no) echo kept;; esac')[:2] == (0, "kept\n")
    assert shell.run(f"{ask} | cat; echo $?")[1] == "5\n"
    assert shell.run(f"echo 'From a pipe?' | chatty ask {room_id} --timeout 50ms --default 'so what' | rev") == (
        0,
        "tahw os\n",
        "",
    )


# --- run ----------------------------------------------------------------------------------------------------


def test_a_command_does_not_notice_that_the_server_is_killed_and_the_room_learns_the_end_once(
    shell: Shell, server: Server, room_id: str, tmp_path: Path
) -> None:
    script = f"echo a; until test -e {tmp_path}/go; do sleep 0.05; done; echo b; exit 3"
    running = shell.start("chatty", "run", room_id, "--", "sh", "-c", script, stdout=subprocess.PIPE)
    wait_until(lambda: any("```\na\n```" in text for text in server.texts(room_id)))
    server.crash()
    server.crash()
    (tmp_path / "go").touch()
    out, _ = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (3, b"a\nb\n")
    begun, result = server.texts(room_id)
    assert begun.startswith("▶ ")
    assert "failed with 3" in result
    assert "\na\nb\n" in result


def test_a_server_that_is_gone_at_the_end_costs_a_note_and_nothing_else(
    shell: Shell, server: Server, room_id: str, tmp_path: Path
) -> None:
    script = f"until test -e {tmp_path}/go; do sleep 0.05; done; echo out; exit 3"
    running = shell.start(
        "chatty", "run", room_id, "--", "sh", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_until(lambda: len(server.texts(room_id)) == 1)
    server.kill9()
    (tmp_path / "go").touch()
    out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (3, b"out\n")
    assert err.startswith(b"note:  the room was not told how it ended")


def test_in_a_pipeline_it_is_not_there(shell: Shell, room_id: str) -> None:
    run = f"chatty run {room_id} --"
    assert shell.run(f"seq 5 | {run} grep -c . | {run} rev") == (0, "5\n", "")
    assert shell.run(f"{run} sh -c 'kill -9 $$'; echo $?")[1] == "137\n"
    assert shell.run(f"{run} yes | head -1; echo ${{PIPESTATUS[0]}}")[1] == "y\n141\n"


# --- bot ----------------------------------------------------------------------------------------------------


def start_bot(shell: Shell, room: str, *command: str) -> subprocess.Popen[bytes]:
    cursor = shell.home / "cursor"
    new = not cursor.exists()
    bot = shell.start("chatty", "bot", room, "--wait", "60s", "--on", "^!", "--cursor", "cursor", "--", *command)
    wait_until(lambda: not new or (cursor.exists() and cursor.stat().st_size > 0))
    return bot


def test_a_bot_that_is_killed_runs_the_command_again_and_replies_once(
    shell: Shell, server: Server, room_id: str
) -> None:
    script = "echo run >> runs; until test -e go; do sleep 0.05; done; echo done"
    runs = shell.home / "runs"
    bot = start_bot(shell, room_id, "sh", "-c", script)
    asked = say(server, room_id, "!do")
    wait_until(runs.exists)
    kill9(bot)
    missed = say(server, room_id, "!while it is away")
    (shell.home / "go").touch()
    start_bot(shell, room_id, "sh", "-c", script)
    wait_until(lambda: len(replies(server, room_id)) >= 2)
    assert replies(server, room_id) == [(asked, "done"), (missed, "done")]
    assert runs.read_text().split() == ["run"] * 3


def test_a_bot_that_dies_between_the_reply_and_its_cursor_does_not_reply_again(
    shell: Shell, server: Server, room_id: str
) -> None:
    cursor = shell.home / "cursor"
    script = "echo run >> runs; date +%N"  # another reply each time
    bot = start_bot(shell, room_id, "sh", "-c", script)
    asked = say(server, room_id, "!do")
    wait_until(lambda: len(replies(server, room_id)) == 1)
    first = replies(server, room_id)
    kill9(bot)
    cursor.write_text(json.dumps({**json.loads(cursor.read_text()), "seq": asked - 1}))
    bot = start_bot(shell, room_id, "sh", "-c", script)
    wait_until(lambda: json.loads(cursor.read_text())["seq"] >= asked + 1)
    assert (shell.home / "runs").read_text().split() == ["run"] * 2
    assert replies(server, room_id) == first


def test_a_reply_outlives_the_server(shell: Shell, server: Server, room_id: str) -> None:
    start_bot(shell, room_id, "sh", "-c", "touch ran; until test -e go; do sleep 0.05; done; cat")
    asked = say(server, room_id, "!do")
    wait_until((shell.home / "ran").exists)
    server.kill9()
    (shell.home / "go").touch()
    server.start()
    wait_until(lambda: replies(server, room_id) == [(asked, "!do")])


def test_whoever_is_killed_and_whenever_each_message_gets_one_reply(shell: Shell, server: Server, room_id: str) -> None:
    chance = random.Random(3)
    bot = start_bot(shell, room_id, "cat")
    asked = []
    for number in range(scaled(120, least=30)):
        asked.append((say(server, room_id, f"!{number}"), f"!{number}"))
        if number % 6 == 5:
            time.sleep(chance.uniform(0, 0.3))  # so that it is hit at different moments
            kill9(bot)
            if chance.random() < 0.5:
                server.crash()
            bot = start_bot(shell, room_id, "cat")
    wait_until(lambda: len(replies(server, room_id)) >= len(asked))
    assert Counter(replies(server, room_id)) == Counter(asked)
