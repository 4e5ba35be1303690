"""The cursor file is one command's at a time, and never half written."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure
from chatty.cli.scripting.cursor_file import CursorFile, PendingBatch, SavedPosition
from chatty.events import StreamPosition

FIRST = SavedPosition("2SzErhA2PvYGjf4PQ4pvTh9BfE0", "epoch", 1)


@pytest.fixture(autouse=True)
def _all_descriptors_are_closed_at_the_end() -> Iterator[None]:
    before = os.listdir("/dev/fd")  # noqa: PTH208 - the names are the numbers
    yield
    assert os.listdir("/dev/fd") == before  # noqa: PTH208


def test_a_new_file_holds_no_position(tmp_path: Path) -> None:
    with CursorFile(tmp_path / "state") as file:
        assert file.load() is None
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600


def test_what_was_saved_is_there_for_the_next_command(tmp_path: Path) -> None:
    last = SavedPosition("room", "epoch", 43, inode=7, length=1_000)
    with CursorFile(tmp_path / "state") as file:
        file.save(FIRST)
        file.save(last)
        assert file.load() == last
    with CursorFile(tmp_path / "state") as file:
        assert file.load() == last
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_batch_is_kept_byte_for_byte_even_if_it_begins_inside_a_character(tmp_path: Path) -> None:
    pending = PendingBatch("epoch", 44, "é\0\n".encode()[1:])
    with CursorFile(tmp_path / "state") as file:
        file.save(SavedPosition("room", "epoch", 43, inode=7, length=1_000, pending=pending))
        saved = file.load()
    assert saved is not None
    assert {saved.pending} == {pending}, "it can't be changed, so it can be in a set"
    assert {saved.position} == {StreamPosition("epoch", 43)}
    assert len({saved, FIRST}) == 2


def test_a_run_has_not_finished_unless_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text('{"room":"room","epoch":"epoch","seq":43,"inode":7,"length":9}')
    with CursorFile(tmp_path / "state") as file:
        assert file.load() == SavedPosition("room", "epoch", 43, 7, 9, None, finished=False)
        file.save(SavedPosition("room", "epoch", 43, 7, 9, finished=True))
    assert '"finished":true' in (tmp_path / "state").read_text()


def test_a_position_is_one_of_its_room_alone(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with CursorFile(path) as file:
        assert file.load_for(FIRST.room) is None
        file.save(FIRST)
        assert file.load_for(FIRST.room) == FIRST
        with pytest.raises(Failure) as failure:
            file.load_for("another")
    assert failure.value.args == (
        ExitStatus.USAGE,
        "usage",
        f"{path} is a cursor of another room ({FIRST.room})",
        "use one file for each room",
    )


def test_what_a_crash_left_half_written_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".state.new").write_text("{" * 1_000)
    with CursorFile(tmp_path / "state") as file:
        file.save(FIRST)
    assert (tmp_path / "state").read_text() == f'{{"room":"{FIRST.room}","epoch":"epoch","seq":1}}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_position_is_on_the_disk_before_it_takes_the_place_of_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    synced = []

    def sync(descriptor: int) -> None:
        synced.append((Path(f"/dev/fd/{descriptor}").read_bytes(), path.read_bytes()))

    with CursorFile(path) as file:
        monkeypatch.setattr("chatty.cli.scripting.cursor_file._sync", sync)
        file.save(FIRST)
    assert synced == [(path.read_bytes(), b"")]


def test_a_second_command_is_refused_before_and_after_a_save(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with CursorFile(path) as file:
        for _ in range(3):
            with pytest.raises(Failure) as failure, CursorFile(path):
                pytest.fail("two commands have it")
            assert failure.value.args == (
                ExitStatus.FAILED,
                "in_use",
                f"{path} is in use by another command",
                "give each command a cursor file of its own",
            )
            file.save(FIRST)
    with CursorFile(path) as file:
        assert file.load() == FIRST


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere" / "real")
    with CursorFile(tmp_path / "state") as file:
        file.save(FIRST)
    assert (tmp_path / "state").is_symlink()
    assert (tmp_path / "elsewhere" / "real").stat().st_size


@pytest.mark.parametrize("text", ["{", "[]", '{"room":"x"}', "hello", '{"room":"x","epoch":"y","seq":"1"}'])
def test_a_file_that_is_not_a_cursor_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state"
    path.write_text(text)
    with CursorFile(path) as file, pytest.raises(Failure) as failure:
        file.load()
    assert (failure.value.status, failure.value.code) == (ExitStatus.FAILED, "damaged")
    assert re.fullmatch(rf"{path} is not a cursor \(.+\)", failure.value.message)
    assert failure.value.hint == "name another file, or remove this one to begin as if there had been none"
    assert path.read_text() == text


def test_what_is_not_a_regular_file_stays_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(os.devnull)
    for path in (Path(os.devnull), tmp_path, tmp_path / "fifo", tmp_path / "link"):
        before = path.stat()
        with pytest.raises(Failure) as failure, CursorFile(path):
            pytest.fail("it can hold no position")
        assert failure.value.args == (
            ExitStatus.USAGE,
            "usage",
            f"{path} is not a regular file, so it can't remember anything",
            "name a file of its own, such as --cursor ~/deploys.cursor; it is created if it is missing",
        )
        assert os.path.samestat(path.stat(), before)


def test_a_file_that_is_replaced_while_somebody_takes_it_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    lock = fcntl.flock
    with CursorFile(path) as first:

        def replaced_meanwhile(descriptor: int, operation: int) -> None:
            monkeypatch.undo()
            first.save(FIRST)  # frees the lock of the file that the other one has just opened
            lock(descriptor, operation)

        monkeypatch.setattr(fcntl, "flock", replaced_meanwhile)
        with pytest.raises(Failure, match="in use by another command"), CursorFile(path):
            pytest.fail("two commands have it")


def test_a_file_that_is_removed_while_somebody_takes_it_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    lock = fcntl.flock

    def removed_meanwhile(descriptor: int, operation: int) -> None:
        monkeypatch.undo()
        path.unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with CursorFile(path) as file:
        assert file.load() is None
