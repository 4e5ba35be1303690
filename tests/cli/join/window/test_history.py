from __future__ import annotations

import stat
from pathlib import Path

from chatty.cli.join.window.history import KEPT, FileHistory
from chatty.credentials import new_invitation


def fail(text: str) -> None:
    raise AssertionError(text)


def stored(path: Path) -> list[str]:
    return list(FileHistory(path, fail).load_history_strings())


def test_what_was_typed_is_there_next_time_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    history = FileHistory(path, fail)
    history.append_string("one")
    history.append_string("two\nlines, ünïcode")
    assert stored(path) == ["two\nlines, ünïcode", "one"]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    FileHistory(path, fail).append_string("private")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_line_that_begins_with_a_space_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = FileHistory(path, fail)
    history.append_string(" secret")
    assert not path.exists()
    assert history.get_strings() == []


def test_an_invitation_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = FileHistory(path, fail)
    history.append_string(f"/join http://127.0.0.1:8080/v1/rooms/x#{new_invitation()}")
    assert not path.exists()


def test_a_torn_line_costs_one_entry(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_bytes(b'"one"\n"tw\n"three"\n')
    assert stored(path) == ["three", "one"]


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("".join(f'"{n}"\n' for n in range(2 * KEPT)))
    assert len(stored(path)) == KEPT
    assert len(path.read_bytes().splitlines()) == KEPT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stored(path)[0] == str(2 * KEPT - 1)


def test_a_file_that_cannot_be_used_is_said_and_stops_nothing(tmp_path: Path) -> None:
    warnings: list[str] = []
    history = FileHistory(tmp_path, warnings.append)
    assert list(history.load_history_strings()) == []
    history.append_string("still here")
    assert history.get_strings() == ["still here"]
    assert len(warnings) == 2
