"""Commands and a server whose disk is full: what is refused is told, what can be read is read, and it passes."""

from __future__ import annotations

from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from tests.support.faults import eventually
from tests.support.server import Server
from tests.support.shell import Shell
from tests.support.traced import TracedServer

DATABASE, WAL = "chatty.db", "chatty.db-wal"
STARTED = 150
"""Writes to the WAL, of one thread as strace counts, after which the server has stored a little."""


def test_a_full_disk_is_told_and_what_is_there_can_be_read(tmp_path: Path) -> None:
    with (
        TracedServer.with_failing_writes(tmp_path / "data", WAL, f"{STARTED}+") as server,
        Shell(tmp_path / "home", server.url) as shell,
    ):
        assert shell.run("chatty create general")[0] == 0
        assert shell.run("chatty send general kept") == (0, "", "")
        with pytest.raises(HTTPError, match="503"):
            while True:
                server.make_room("another")
        status, out, err = shell.run("chatty create more")
        assert (status, out) == (5, "")
        assert "cannot store anything right now" in err
        status, out, err = shell.run("chatty send general --timeout 5s never")
        assert (status, out) == (5, "")
        assert "cannot store anything right now" in err
        status, out, err = shell.run("chatty tail general --no-follow")
        assert (status, err) == (0, "")
        assert out.endswith("John │ kept\n")
        assert shell.run("chatty who general") == (0, "", "")


def test_a_server_starts_on_a_full_disk_and_what_is_there_can_be_read(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room_id = server.make_room("general")["id"]
        server.ask("POST", f"/v1/rooms/{room_id}/messages", {"participant": "ci", "text": "kept"})
        assert server.stop() == 0

    def listens() -> bool:
        try:
            return bool(full.ask("GET", f"/v1/rooms/{room_id}"))
        except URLError:
            return False

    full = TracedServer.with_failing_writes(tmp_path / "data", WAL, "1+")
    full.start(wait=False)
    try:
        eventually(listens, "the server starts")
        assert full.texts(room_id) == ["kept"]
        with pytest.raises(HTTPError, match="503"):
            full.make_room("another")
    finally:
        full.kill9()


def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path) -> None:
    with (
        TracedServer.with_failing_writes(tmp_path / "data", WAL, f"{STARTED}..{STARTED + 5}") as server,
        Shell(tmp_path / "home", server.url) as shell,
    ):
        room_id = server.make_room("general")["id"]
        assert shell.run(f"seq 5000 | chatty send {room_id}") == (0, "", "")
        assert server.texts(room_id) == [str(number) for number in range(1, 5_001)]
        failed = [call for call in server.calls if "ENOSPC" in call]
        assert len(failed) == 1 + 6  # at the start, where the WAL gets its length, and while lines came in


def test_a_disk_without_space_to_tidy_up_stops_nothing(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room_id = server.make_room("general")["id"]
        assert server.stop() == 0  # which leaves nothing in the WAL, so that the next life writes there alone at first
    with (
        TracedServer.with_failing_writes(tmp_path / "data", DATABASE, "1+") as server,
        Shell(tmp_path / "home", server.url) as shell,
    ):
        for _ in range(2):
            assert shell.run(f"seq 8000 | chatty send {room_id}") == (0, "", "")
        assert any("ENOSPC" in call for call in server.calls), "it never tidied up"
        assert server.running
        assert len(server.texts(room_id)) == 16_000
