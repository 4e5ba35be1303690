"""`audit`: what was ruled is kept for good, and a cursor continues without an entry lost or twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.user import User


@pytest.fixture
def room(ada: User) -> str:
    return ada.here.says("create", "talk").strip()


def ruled(ada: User, room: str, *options: str) -> list[Any]:
    return [json.loads(line) for line in ada.here.says("audit", room, "--json", *options).splitlines()]


def test_a_cursor_begins_with_the_first_entry_and_later_runs_go_on(ada: User, room: str, tmp_path: Path) -> None:
    cursor = ("--cursor", str(tmp_path / "cursor"))
    assert ruled(ada, room, *cursor) == []
    ada.here.run("policy", room, "--lock")
    ada.here.run("policy", room, "--unlock")
    assert [entry["what"] for entry in ruled(ada, room, *cursor)] == ["policy: locked true", "policy: locked false"]
    assert ruled(ada, room, *cursor) == []
    ada.here.run("ban", room, "Eve", "--reason", "spam")
    (entry,) = ruled(ada, room, *cursor)
    assert (entry["by"], entry["what"], entry["whom"], entry["reason"]) == ("ada", "banned", "Eve", "spam")
    assert [entry["n"] for entry in ruled(ada, room)] == sorted(entry["n"] for entry in ruled(ada, room))
    assert len(ruled(ada, room)) == 3


def test_output_that_was_cut_off_is_completed_and_nothing_comes_twice(ada: User, room: str, tmp_path: Path) -> None:
    cursor, log = str(tmp_path / "cursor"), tmp_path / "audit.log"
    for _ in range(3):
        ada.here.run("policy", room, "--lock")
        ada.here.run("policy", room, "--unlock")
        with log.open("ab") as file:
            assert ada.start("audit", room, "--json", "--cursor", cursor, stdout=file).wait(60) == 0
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert entries == ruled(ada, room)
    assert len(entries) == 6


def test_the_servers_log_has_a_cursor_of_its_own(ada: User, room: str, tmp_path: Path) -> None:
    cursor = str(tmp_path / "cursor")
    before = ada.here.says("audit", "--json", "--cursor", cursor).splitlines()
    assert any(json.loads(line)["what"].startswith("policy: everyone") for line in before)
    ada.here.run("ban", "--server-wide", "Mallory")
    (entry,) = ada.here.says("audit", "--json", "--cursor", cursor).splitlines()
    assert json.loads(entry)["whom"] == "Mallory"
    assert "is a cursor of another room" in ada.here.fails(2, "audit", room, "--cursor", cursor)


def test_without_json_the_lines_are_for_people(ada: User, room: str, tmp_path: Path) -> None:
    ada.here.run("ban", room, "Eve", "--reason", "a\tb\x1b[2J")
    said = ada.here.says("audit", room, "--cursor", str(tmp_path / "cursor"))
    assert said.split("\t")[1:4] == ["ada", "banned", "Eve"]
    assert "\x1b" not in said


def test_data_that_was_replaced_is_noticed(ada: User, room: str, tmp_path: Path) -> None:
    cursor = tmp_path / "cursor"
    ada.here.run("policy", room, "--lock")
    assert len(ruled(ada, room, "--cursor", str(cursor))) == 1
    saved = json.loads(cursor.read_text())
    cursor.write_text(json.dumps(saved | {"epoch": "2020-01-01T00:00:00.000Z"}))
    done = ada.here.run("audit", room, "--json", "--cursor", str(cursor))
    assert "note:  the server's data was replaced" in done.stderr.decode()
    assert len(done.stdout.splitlines()) == 1, "better twice than not at all"
    assert ruled(ada, room, "--cursor", str(cursor)) == []


def test_it_is_kept_when_the_room_is_closed(ada: User, room: str) -> None:
    ada.here.run("ban", room, "Eve")
    ada.here.run("close", room)
    assert [entry["what"] for entry in ruled(ada, room)] == ["banned"]
