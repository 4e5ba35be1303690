"""What the machine may deny: descriptors, space, a disk that keeps what it was given, a fast one."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import shlex
import socket
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest

from tests.support.faults import Confined, InShell, Peer, eventually, fill_disk, free_disk, post, read_from
from tests.support.server import PATIENCE, Server
from tests.support.traced import TracedServer

KEY = "k" * 32
BIG = "x" * 16_000
FILES = 256
PAGE = 4096


# --- descriptors --------------------------------------------------------------------------------------------


@pytest.fixture
def confined(tmp_path: Path) -> Iterator[Confined]:
    with Confined(tmp_path / "data", files=FILES) as server:
        yield server


def test_newcomers_get_503_when_descriptors_run_short_and_members_talk_on(confined: Confined) -> None:
    room = confined.make_room()["id"]
    with contextlib.ExitStack() as stack:
        ada = stack.enter_context(Peer(confined, room, "Ada", key=KEY))
        refused = []
        for number in range(2 * FILES):
            try:
                stack.enter_context(Peer(confined, room, f"n{number}", key="n" * 32))
            except HTTPError as error:
                refused.append(error.code)
            if not number % 16:
                ada.send(f"line {number}")
                ada.hear(f"line {number}")
        assert set(refused) == {503}
        assert FILES < len(refused) < 2 * FILES - 100
        said = [line for line in confined.log.splitlines() if "a request failed" not in line]
        assert len(said) <= 10
        assert len(confined.log.splitlines()) < len(refused) / 2
    eventually(lambda: post(confined, room, "there is room again") == 201, "newcomers are let in")
    assert len(confined.texts(room)) == 2 * FILES // 16 + 1


def test_without_any_descriptor_left_members_talk_on_and_the_log_stays_short(confined: Confined) -> None:
    room = confined.make_room()["id"]
    with contextlib.ExitStack() as stack:
        ada = stack.enter_context(Peer(confined, room, "Ada", key=KEY))
        for number in range(2 * FILES):
            # Silent ones: nothing can be said to them, and a reserve doesn't help.
            stack.enter_context(socket.create_connection(("127.0.0.1", confined.port), PATIENCE))
            if not number % 16:
                ada.send(f"line {number}")
                ada.hear(f"line {number}")
        descriptors = psutil.Process(confined.pid).num_fds()
        assert descriptors >= FILES - 1
    eventually(lambda: post(confined, room, "there is room again") == 201, "newcomers are let in")
    assert len(confined.texts(room)) == 2 * FILES // 16 + 1


def test_deleting_needs_no_descriptor(confined: Server) -> None:
    room = confined.make_room()["id"]
    with contextlib.ExitStack() as stack:
        ada = stack.enter_context(Peer(confined, room, "Ada", key=KEY))
        ada.send("a slip")
        said = ada.hear("a slip")[-1]["seq"]
        for _ in range(2 * FILES):
            stack.enter_context(socket.create_connection(("127.0.0.1", confined.port), PATIENCE))
        ada.say(json.dumps({"op": "delete", "of": said}))
        ada.until(lambda event: event["event_type"] == "message_deleted")
        wal = confined.data / "chatty.db-wal"
        eventually(lambda: b"a slip" not in wal.read_bytes(), "the WAL is emptied")
        ada.send("still here")
        assert ada.hear("still here")


# --- space --------------------------------------------------------------------------------------------------


def test_on_a_full_disk_messages_are_refused_and_reading_goes_on_until_there_is_space(server: Server) -> None:
    room = server.make_room()["id"]
    with Peer(server, room, "Ada", key=KEY) as ada:
        acked = []
        ada.send("first")
        ada.hear("first")
        acked.append("first")
        for life in range(3):
            fill_disk(server, 100_000)
            refused = 0
            for number in range(60):
                text = f"{life} {number} {BIG}"
                ada.send(text)
                answer = ada.until(lambda event: event["event_type"] in ("ack", "error"))[-1]
                if answer["event_type"] == "ack":
                    acked.append(text)
                else:
                    assert answer["code"] == "unavailable"
                    refused += 1
            assert refused
            assert post(server, room, BIG) == 503
            assert server.texts(room) == acked
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=PATIENCE) as answer:
                assert answer.status == 200
            free_disk(server)
            ada.send(f"space {life}")
            ada.hear(f"space {life}")
            acked.append(f"space {life}")
    assert server.texts(room) == acked
    assert "nothing can be stored" in server.log
    assert "free some space" in server.log
    assert server.stop() == 0
    server.start()
    assert server.texts(room) == acked


def test_a_full_disk_that_has_the_log_too_stops_nobody(server: Server, room_id: str) -> None:
    os.truncate(server._log, 1_000_000)  # beyond the database, so that no line has a place when no message has
    fill_disk(server, 0)
    acked = 0
    while post(server, room_id, BIG) == 201:
        acked += 1
    assert post(server, room_id, BIG) == 503
    assert "nothing can be stored" not in server.log
    assert server.texts(room_id) == [BIG] * acked
    free_disk(server)
    assert post(server, room_id, BIG) == 201
    assert server.stop() == 0


def test_a_room_that_cannot_be_made_keeps_nobody_from_reading_the_others(server: Server) -> None:
    room = server.make_room()["id"]
    fill_disk(server, 0)
    acked: list[str] = []
    for text in (BIG, "x"):  # where no large message fits, a room may
        while post(server, room, text) == 201:
            acked.append(text)
    full = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    server.kill9()
    mine = resource.getrlimit(resource.RLIMIT_FSIZE)
    server.options = ("--room", "new")
    resource.setrlimit(resource.RLIMIT_FSIZE, (full[0], mine[1]))  # the server has it from its start
    try:
        server.start(wait=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, mine)
    eventually(lambda: "warning: the room 'new' is not created" in server.log, "it has started")
    assert server.texts(room) == acked
    free_disk(server)
    assert post(server, room, BIG) == 201


def test_who_left_while_the_disk_was_full_has_left_when_there_is_space(server: Server) -> None:
    room = server.make_room()["id"]
    with Peer(server, room, "Ada", key=KEY) as ada, Peer(server, room, "Bob", seed=True):
        ada.until(lambda event: event.get("participant") == "Bob")
        fill_disk(server, 0)
        for text in (BIG, "x"):  # where no large message fits, a leave may
            eventually(lambda text=text: post(server, room, text) == 503, "the disk is full")  # type: ignore[misc]
    assert server.ask("GET", f"/v1/rooms/{room}")["participant_count"] == 2
    free_disk(server)
    eventually(lambda: _present(server, room) == {"Ada": True}, "Bob has left, and Ada is away")


def test_a_stop_while_the_database_cannot_grow_loses_nothing(server: Server) -> None:
    room = server.make_room()["id"]
    assert [post(server, room, BIG) for _ in range(150)] == [201] * 150
    # Those that came after the last quiet moment may still be in the log alone.
    eventually(lambda: _size(server, "chatty.db") > (150 - 70) * len(BIG), "a quiet moment's checkpoint")
    fill_disk(server, max(0, _size(server, "chatty.db-wal") - _size(server, "chatty.db")))
    acked, full = 150, _size(server, "chatty.db-wal")
    while post(server, room, BIG) == 201:
        acked += 1
        if not acked % 50:
            # As quiet as a checkpoint wants it. In the end the database has no space for one.
            enough = min(full, (acked - 70) * len(BIG)) - PAGE
            eventually(partial(_is_larger, server.data / "chatty.db", enough), "a checkpoint")
    assert server.stop() == 0
    server.start()
    assert server.texts(room) == [BIG] * acked


def _size(server: Server, file: str) -> int:
    return (server.data / file).stat().st_size


def _is_larger(file: Path, size: int) -> bool:
    return file.stat().st_size > size


def _present(server: Server, room: str) -> dict[str, bool]:
    found = server.ask("GET", f"/v1/rooms/{room}/participants")["participants"]
    return {each["name"]: each["away"] for each in found}


# --- the disk -----------------------------------------------------------------------------------------------


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Callable[[str], TracedServer]]:
    """Starts a server to whose fdatasync something is done, as strace's inject says it."""
    with contextlib.ExitStack() as stack:
        yield lambda what: stack.enter_context(
            TracedServer(tmp_path / "data", "-e", "trace=fdatasync", "-e", f"inject=fdatasync:{what}")
        )


def test_after_a_failed_fsync_nothing_is_acked_and_the_server_says_why_and_stops(
    traced: Callable[[str], TracedServer], tmp_path: Path
) -> None:
    broken = traced("error=EIO:when=50")
    room = broken.make_room()["id"]
    acked = []
    with Peer(broken, room, "Ada", key=KEY) as ada:
        for number in range(100):
            try:
                ada.send(str(number))
            except ConnectionError:
                break
            heard = [event for event in _up_to_ack(ada) if event["event_type"] in ("ack", "message")]
            if not heard:
                break
            acked.append(str(number))
    assert broken.wait() == 1
    assert 30 < len(acked) < 50
    assert "error: the disk failed to store data" in broken.log
    assert "hint:  check the disk" in broken.log
    assert sum("EIO" in call for call in broken.calls) == 1

    with Server(broken.data) as again:
        stored = again.texts(room)
    assert stored[: len(acked)] == acked
    assert len(stored) <= len(acked) + 1  # of the one that was under way nobody was told anything


def test_after_a_failed_fsync_the_server_stops_too_where_it_cannot_say_why(tmp_path: Path) -> None:
    traced = "strace -D -f -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO:when=50"
    reader = read_from(log := tmp_path / "log")
    with InShell(tmp_path / "data", f'exec {traced} "$@" 2>{shlex.quote(str(log))}') as broken:
        os.close(reader)
        room = broken.make_room()["id"]
        acked = []
        with contextlib.suppress(OSError, http.client.HTTPException):
            for number in range(100):
                broken.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": str(number)})
                acked.append(str(number))
        assert broken.wait() == 1
        assert 30 < len(acked) < 50


@pytest.mark.parametrize(
    ("file", "which"), [("chatty.db", 1), ("chatty.db-wal", 2)], ids=["emptying the log", "stretching the log"]
)
def test_a_server_does_not_start_where_a_sync_of_its_data_fails(tmp_path: Path, file: str, which: int) -> None:
    with Server(tmp_path / "data") as crashed:
        post(crashed, crashed.make_room()["id"], "it is still in the log alone")
    fails = ["-e", "trace=fdatasync", "-e", f"inject=fdatasync:error=EIO:when={which}"]
    broken = TracedServer(tmp_path / "data", "-P", str(tmp_path / "data" / file), *fails).start(wait=False)
    assert broken.wait() == 1
    assert sum("EIO" in call for call in broken.calls) == 1
    assert "error: the disk failed to store data" in broken.log
    assert "hint:  check the disk" in broken.log


def _up_to_ack(peer: Peer) -> list[dict[str, object]]:
    seen = []
    for event in peer.events():
        seen.append(event)
        if event["event_type"] in ("ack", "error"):
            break
    return [event for event in seen if event["event_type"] in ("ack", "error")]


def test_on_a_slow_disk_the_server_answers_while_messages_wait_for_it(traced: Callable[[str], TracedServer]) -> None:
    slow = traced("delay_exit=300000")
    room = slow.make_room()["id"]
    stores: list[float] = []
    answers: list[float] = []

    def store() -> None:
        for number in range(8):
            began = time.perf_counter()
            assert post(slow, room, str(number)) == 201
            stores.append(time.perf_counter() - began)

    storing = threading.Thread(target=store)
    storing.start()
    connection = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=PATIENCE)
    while storing.is_alive():
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        answers.append(time.perf_counter() - began)
        storing.join(0.005)
    connection.close()
    assert len(stores) == 8
    assert len(answers) > 10 * len(stores)
    # Beside each other, on the same machine: if the loop waited for the disk, the worst would be alike.
    assert sorted(answers)[-len(stores)] < statistics.median(stores) / 3
