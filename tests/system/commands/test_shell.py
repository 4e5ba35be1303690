"""Commands in a real shell, between real pipes: stdout is data, stderr is the rest, and the status says how it went."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.support.server import PATIENCE, Server, free_port
from tests.support.shell import Shell

NO_ID = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"  # of a room that no server here has


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Iterator[Shell]:
    with Shell(tmp_path / "home", server.url) as running:
        yield running


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


# --- in a pipe ----------------------------------------------------------------------------------------------


def test_create_prints_the_id_alone(shell: Shell, server: Server) -> None:
    status, out, err = shell.run("chatty create deploys | cat")
    assert (status, err) == (0, "")
    assert server.ask("GET", f"/v1/rooms/{out.removesuffix(chr(10))}")["name"] == "deploys"


def test_the_id_goes_from_create_to_send_and_tail(shell: Shell) -> None:
    line = 'ROOM=$(chatty create deploys); seq 3 | chatty send "$ROOM" --name ci; chatty tail "$ROOM" --count 3'
    status, out, err = shell.run(line)
    assert (status, err) == (0, "")
    said = [line.split("│ ")[-1] for line in out.splitlines()]
    assert len(said) == 3
    assert all(line.split()[-1] == str(number) for number, line in enumerate(out.splitlines(), 1))


def test_nothing_on_standard_input_is_done_at_once(shell: Shell, server: Server, room_id: str) -> None:
    assert shell.run(f"chatty send {room_id} </dev/null") == (0, "", "")
    assert shell.run(f"true | chatty send {room_id}") == (0, "", "")
    assert server.history(room_id) == []


def test_a_closed_standard_input_is_nothing_too(shell: Shell, room_id: str) -> None:
    assert shell.run(f"chatty send {room_id} <&-") == (0, "", "")


def test_tail_ends_with_head(shell: Shell, server: Server, room_id: str) -> None:
    shell.run(f"seq 5000 | chatty send {room_id}")
    status, out, err = shell.run(f"chatty tail {room_id} --json -n 5000 | head -1")
    assert (json.loads(out)["text"], err) == ("1", "")
    assert status == 141


def test_tail_ends_with_head_in_an_idle_room_too(shell: Shell, room_id: str) -> None:
    shell.run(f"chatty send {room_id} hello")
    status, out, err = shell.run(f"chatty tail {room_id} --json | head -1")  # nothing is said after that line
    assert (json.loads(out)["text"], err) == ("hello", "")
    assert status == 141
    status, out, err = shell.run(f"chatty tail {room_id} -n 0 | true")
    assert (status, out, err) == (141, "", "")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("command", ["send", "tail"])
def test_a_signal_ends_it_silently_with_its_status(
    shell: Shell, server: Server, room_id: str, command: str, number: int, status: int
) -> None:
    process = shell.start(
        "chatty", command, room_id, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    if command == "send":
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        wait_until(lambda: server.texts(room_id) == ["hello"])
    else:
        server.ask("POST", f"/v1/rooms/{room_id}/messages", {"participant": "Ada", "text": "hello"})
        assert process.stdout.readline()
    process.send_signal(number)
    assert process.wait(PATIENCE) == status
    assert process.stderr is not None
    assert process.stderr.read() == b""


# --- what goes wrong ----------------------------------------------------------------------------------------

IN_A_ROOM = ["send {} hello", "tail {}", "who {}", "close {}"]


@pytest.mark.parametrize("command", IN_A_ROOM[:-1])  # to close a room takes its owner, which shows without a server
def test_an_id_that_no_room_has_is_status_3(shell: Shell, server: Server, command: str) -> None:
    status, out, err = shell.run(f"chatty {command.format(NO_ID)}")
    assert (status, out) == (3, "")
    assert err.splitlines()[0] == f'error: no room "{NO_ID}" on {server.url}'
    assert err.splitlines()[1].startswith("hint:  ")


def test_a_mistyped_name_is_status_3_and_asks_whether_it_was_meant(shell: Shell, server: Server) -> None:
    told = f'error: no room "genral" on {server.url}\nhint:  did you mean "general"? see: chatty rooms\n'
    shell.run("chatty create general")
    for command in IN_A_ROOM:
        assert shell.run(f"chatty {command.format('genral')}") == (3, "", told), command


def test_a_dead_server_is_status_5_at_once(shell: Shell, server: Server) -> None:
    told = f"error: cannot reach {server.url} (connection refused)\nhint:  start one: chatty serve\n"
    shell.run("chatty create general")
    server.kill9()
    for command in ("create x", *IN_A_ROOM):
        assert shell.run(f"chatty {command.format('general')}") == (5, "", told), command


def test_with_json_an_error_is_one_object_on_stderr(shell: Shell) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, out, err = shell.run(f"chatty tail {NO_ID} --json --server {nowhere}")
    assert (status, out) == (5, "")
    assert json.loads(err) == {
        "event_type": "error",
        "code": "unreachable",
        "message": f"cannot reach {nowhere} (connection refused)",
        "exit": 5,
        "hint": "start one: chatty serve",
    }


def test_a_server_that_dies_for_good_is_status_5_when_nothing_is_acked_in_time(
    shell: Shell, server: Server, room_id: str
) -> None:
    sending = shell.start(
        *("chatty", "send", room_id, "--timeout", "1s"), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert sending.stdin is not None
    sending.stdin.write(b"one\n")
    sending.stdin.flush()
    wait_until(lambda: server.texts(room_id) == ["one"])
    server.make_room()  # by then, the ack of the message before it is on its way
    server.kill9()
    _, err = sending.communicate(b"two\nthree\n", timeout=PATIENCE)
    assert sending.returncode == 5
    assert err.decode() == (
        "error: no ack for 1 s (1 stored, 2 not known)\nhint:  with --key a second run sends what is missing\n"
    )


def test_somebody_elses_room_cannot_be_closed(shell: Shell, room_id: str) -> None:
    status, out, err = shell.run(f"chatty close {room_id}")
    assert (status, out) == (4, "")
    assert err.startswith("error: ")


def test_a_name_that_somebody_holds_is_status_6(shell: Shell, server: Server, room_id: str) -> None:
    url = server.url.replace("http", "ws", 1)
    with connect(f"{url}/chat/join?name=Ada&room={room_id}", proxy=None):
        status, out, err = shell.run(f"chatty send {room_id} hello --name Ada")
    assert (status, out) == (6, "")
    assert err == (
        "error: Somebody else holds the name 'Ada' here; choose another one.\nhint:  choose a name: --name NAME\n"
    )
    assert server.texts(room_id) == []
