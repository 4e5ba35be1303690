"""Output in a regular file has each event once, whenever the run before was killed; nobody else's bytes are touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatty.cli.scripting.bookmark import Bookmark
from chatty.cli.scripting.cursor_file import CursorFile, SavedPosition
from chatty.events import StreamPosition

ROOM = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"


@pytest.fixture(autouse=True)
def _all_descriptors_are_closed_at_the_end() -> Iterator[None]:
    before = os.listdir("/dev/fd")  # noqa: PTH208 - the names are the numbers
    yield
    assert os.listdir("/dev/fd") == before  # noqa: PTH208


def at(seq: int) -> StreamPosition:
    return StreamPosition("epoch", seq)


class Run:
    """One run of a command: what it resumes at, and what it writes to ``out``."""

    def __init__(self, file: CursorFile, descriptor: int) -> None:
        self.notes: list[str] = []
        self.descriptor = descriptor
        self._bookmark = Bookmark(file, ROOM, descriptor, self.notes.append)
        saved = file.load_for(ROOM)
        self.resumed = self._bookmark.recover(saved) if saved else at(0)
        self._bookmark.move(self.resumed)

    def prints(self, text: str, seq: int, *, more: bool = False, killed_after: int | None = None) -> None:
        """Prints a batch that ends with event ``seq``, unless it is killed after so many bytes of it."""
        data = text.encode()
        self._bookmark.prepare(data, at(seq))
        os.write(self.descriptor, data[:killed_after])
        if killed_after is None:
            self._bookmark.move(at(seq), more=more)

    def stays(self, seq: int) -> None:
        """Has nothing to print up to event ``seq``."""
        self._bookmark.move(at(seq))

    def finish(self) -> None:
        self._bookmark.finish()


@contextmanager
def run(tmp_path: Path, *, flags: int = os.O_APPEND, out: str = "out") -> Iterator[Run]:
    descriptor = os.open(tmp_path / out, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        with CursorFile(tmp_path / "cursor") as file:
            yield Run(file, descriptor)
    finally:
        os.close(descriptor)


def saved(tmp_path: Path) -> SavedPosition:
    with CursorFile(tmp_path / "cursor") as file:
        loaded = file.load()
    assert loaded is not None
    return loaded


def append(tmp_path: Path, text: str, out: str = "out") -> None:
    with (tmp_path / out).open("a") as file:
        file.write(text)


@pytest.fixture(params=[os.O_APPEND, 0], ids=["append", "no append"])
def flags(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.mark.parametrize("bytes_written", [0, 1, 4, 5, 9, 10])
def test_a_batch_that_broke_off_is_completed_as_it_was_and_not_repeated(
    tmp_path: Path, flags: int, bytes_written: int
) -> None:
    with run(tmp_path, flags=flags) as first:
        first.prints("one\n", 1)
        first.prints("zwölf\nxy\n", 3, killed_after=bytes_written)
    with run(tmp_path, flags=flags) as second:
        assert second.resumed == at(3)
        second.prints("four\n", 4)
        assert second.notes == []
    assert (tmp_path / "out").read_text() == "one\nzwölf\nxy\nfour\n"


def test_a_run_that_is_killed_between_two_batches_has_written_the_first(tmp_path: Path, flags: int) -> None:
    with run(tmp_path, flags=flags) as first:
        first.prints("one\n", 1, more=True)
        first.prints("two\n", 2, more=True)
    assert saved(tmp_path).position == at(1), "the position is saved with the next batch"
    with run(tmp_path, flags=flags) as second:
        assert second.resumed == at(2)
        assert second.notes == []
    assert (tmp_path / "out").read_text() == "one\ntwo\n"


def test_other_commands_lines_in_the_same_file_stay(tmp_path: Path) -> None:
    append(tmp_path, "begin\n")
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        append(tmp_path, "between\n")
        first.prints("two\n", 2)
        first.finish()
    append(tmp_path, "backup: 3 files FAILED\n")
    with run(tmp_path) as second:
        assert second.resumed == at(2)
        second.prints("three\n", 3)
        second.finish()
        assert second.notes == [], "the run before ended in order, so there is nothing to find out"
    assert (tmp_path / "out").read_text() == "begin\none\nbetween\ntwo\nbackup: 3 files FAILED\nthree\n"


def test_a_line_of_another_command_behind_a_killed_run_stays_and_is_mentioned(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
    append(tmp_path, "FAILED\n")
    with run(tmp_path) as second:
        second.prints("two\n", 2)
        assert second.notes == ["7 bytes in the output are not from this cursor's last run; they are left as they are"]
    assert (tmp_path / "out").read_text() == "one\nFAILED\ntwo\n"


def test_lines_of_others_behind_a_batch_that_is_complete_change_nothing(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1, more=True)
    append(tmp_path, "FAILED\n")
    with run(tmp_path) as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2)
        assert second.notes == ["7 bytes in the output are not from this cursor's last run; they are left as they are"]
    assert (tmp_path / "out").read_text() == "one\nFAILED\ntwo\n"


def test_where_something_else_stands_in_place_of_a_batch_it_is_written_again_behind_that(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        first.prints("two\n", 2, killed_after=0)
    append(tmp_path, "FAILED")
    with run(tmp_path) as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2)
        append(tmp_path, "FAILED again\n")
        second.prints("three\n", 3)
        second.finish()
        assert second.notes == [
            "the last run was killed while it wrote, and its last lines can't be found: they may come twice"
        ]
    assert saved(tmp_path).finished
    assert (tmp_path / "out").read_text() == "one\nFAILED\ntwo\nFAILED again\nthree\n", "on a line of its own"


def test_a_line_that_another_command_wrote_is_written_even_if_it_is_the_same(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
    append(tmp_path, "12:05 -- bob joined\n")
    with run(tmp_path) as second:
        second.prints("12:05 -- bob joined\n", 2)
        second.finish()
        assert second.notes == ["20 bytes in the output are not from this cursor's last run; they are left as they are"]
    assert (tmp_path / "out").read_text() == "one\n12:05 -- bob joined\n12:05 -- bob joined\n"


def test_other_commands_lines_are_mentioned_once(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
    append(tmp_path, "FAILED\n")
    with run(tmp_path) as second:
        assert len(second.notes) == 1
    with run(tmp_path) as third:
        assert third.notes == [], "this one was killed, too, but nobody else has written since"


@pytest.mark.parametrize("end", ["", "\n"])
def test_behind_megabytes_of_another_command_a_line_begins_where_that_one_broke_off(tmp_path: Path, end: str) -> None:
    foreign = "x\n" * 2**20 + "torn" + end
    with run(tmp_path) as first:
        first.prints("one\n", 1)
    append(tmp_path, foreign)
    with run(tmp_path) as second:
        second.prints("two\n", 2)
    assert (tmp_path / "out").read_text() == f"one\n{foreign.rstrip()}\ntwo\n"


def test_a_run_that_is_killed_between_two_lines_repeats_none_in_another_file(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
    with run(tmp_path, out="other") as second:
        assert second.resumed == at(1)
        assert second.notes == []


@pytest.mark.parametrize("foreign", ["", "FAILED\n"])
def test_a_cursor_file_from_before_there_were_pending_batches_is_understood(tmp_path: Path, foreign: str) -> None:
    append(tmp_path, f"one\n{foreign}")
    inode = (tmp_path / "out").stat().st_ino
    (tmp_path / "cursor").write_text(f'{{"room":"{ROOM}","epoch":"epoch","seq":1,"inode":{inode},"length":4}}\n')
    with run(tmp_path) as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2)
        assert len(second.notes) == (foreign != "")
    assert (tmp_path / "out").read_text() == f"one\n{foreign}two\n"


def test_another_file_is_only_written_to(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        first.prints("two\n", 2, killed_after=2)
    append(tmp_path, "x" * 100 + "\n", out="other")
    with run(tmp_path, out="other") as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2)
        assert len(second.notes) == 1
        assert "may come twice" in second.notes[0]
    assert (tmp_path / "other").read_text() == "x" * 100 + "\ntwo\n"
    assert (tmp_path / "out").read_text() == "one\ntw"


@pytest.mark.parametrize("length", [0, 2])
def test_a_file_that_was_cut_is_continued_where_it_ends_now(tmp_path: Path, length: int) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        first.prints("two\n", 2, killed_after=0)
    os.truncate(tmp_path / "out", length)
    with run(tmp_path) as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2)
        assert len(second.notes) == 1
        assert "may come twice" in second.notes[0]
    assert (tmp_path / "out").read_text() == "one\n"[:length] + "two\n"


def test_a_file_opened_anew_without_append_is_continued_and_not_overwritten(tmp_path: Path) -> None:
    with run(tmp_path, flags=0) as first:
        first.prints("one\n", 1)
        first.finish()
    append(tmp_path, "another command\n")
    with run(tmp_path, flags=0) as second:
        second.prints("two\n", 2)
    assert (tmp_path / "out").read_text() == "one\nanother command\ntwo\n"


@pytest.mark.parametrize("bytes_written", [1, 4])
def test_a_file_that_cannot_be_read_is_only_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_written: int
) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        first.prints("two\n", 2, killed_after=bytes_written)
    refuse_reading(monkeypatch)
    with run(tmp_path) as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2)
        assert second.notes == [
            "the last run was killed while it wrote, and the output can't be read: the last lines may come twice"
        ]
    assert (tmp_path / "out").read_text() == "one\n" + "two\n"[:bytes_written] + "two\n"


def test_other_commands_lines_in_a_file_that_cannot_be_read_are_mentioned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
    append(tmp_path, "FAILED\n")
    refuse_reading(monkeypatch)
    with run(tmp_path) as second:
        second.prints("two\n", 2)
        assert second.notes == ["7 bytes in the output are not from this cursor's last run; they are left as they are"]
    assert (tmp_path / "out").read_text() == "one\nFAILED\ntwo\n"


def refuse_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr("chatty.cli.scripting.bookmark._opened_to_read", refuse)  # root may read anything


def test_a_batch_that_cannot_be_written_is_known_to_the_next_run(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        first.prints("two\n", 2, killed_after=2)  # as on a full disk
        first.finish()
    with run(tmp_path) as second:
        assert second.resumed == at(2)
    assert (tmp_path / "out").read_text() == "one\ntwo\n"


def test_a_pipe_gets_each_batch_at_least_once(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with CursorFile(tmp_path / "cursor") as file:
        first = Run(file, writer)
        first.prints("one\n", 1)
        first.prints("two\n", 2, killed_after=4)
    with CursorFile(tmp_path / "cursor") as file:
        second = Run(file, writer)
        assert second.resumed == at(1)
        second.prints("two\n", 2, more=True)
        assert file.load() == SavedPosition(ROOM, "epoch", 2), "a pipe's reader can't be asked what it has"
        second.finish()
        assert second.notes == []
    os.close(writer)
    with os.fdopen(reader, "rb") as read:
        assert read.read() == b"one\ntwo\ntwo\n"


def test_a_batch_behind_another_commands_line_is_found_where_it_is(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        append(tmp_path, "between\n")
        first.prints("two\n", 2, killed_after=2)
    with run(tmp_path) as second:
        assert second.resumed == at(2)
        assert second.notes == []
    assert (tmp_path / "out").read_text() == "one\nbetween\ntwo\n"


@pytest.mark.parametrize("bytes_written", [0, 2, 4, None])
def test_a_run_that_only_completes_what_was_begun_ends_in_order(tmp_path: Path, bytes_written: int | None) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1, killed_after=bytes_written)
    with run(tmp_path) as second:
        assert second.resumed == at(1)
        second.finish()
    assert saved(tmp_path) == SavedPosition(ROOM, "epoch", 1, (tmp_path / "out").stat().st_ino, 4, finished=True)


def test_a_run_with_nothing_to_print_ends_in_order(tmp_path: Path) -> None:
    append(tmp_path, "before\n")
    with run(tmp_path) as first:
        assert (tmp_path / "cursor").stat().st_size, "its beginning is known from the start"
        first.finish()
    assert (saved(tmp_path).length, saved(tmp_path).finished) == (7, True)


def test_without_append_a_first_run_writes_where_its_descriptor_is(tmp_path: Path) -> None:
    append(tmp_path, "xxxxxxxx")
    with run(tmp_path, flags=0) as first:
        first.prints("one\n", 1)
    assert (saved(tmp_path).length, (tmp_path / "out").read_text()) == (4, "one\nxxxx")


def test_a_position_that_is_saved_is_not_saved_again(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        before = (tmp_path / "cursor").stat()
        first.stays(1)
        assert os.path.samestat((tmp_path / "cursor").stat(), before)
        first.stays(2)
        assert not os.path.samestat((tmp_path / "cursor").stat(), before)
    assert saved(tmp_path).position == at(2)


def test_a_run_that_never_began_saves_nothing(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    with CursorFile(tmp_path / "cursor") as file:
        Bookmark(file, ROOM, descriptor, pytest.fail).finish()
        assert file.load() is None
    os.close(descriptor)
