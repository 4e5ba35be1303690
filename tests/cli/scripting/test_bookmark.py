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
        data = self._bookmark.prepare(text.encode(), at(seq))
        os.write(self.descriptor, data[:killed_after])
        if killed_after is None:
            self._bookmark.move(at(seq), more=more)

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
    assert (tmp_path / "out").read_text() == "one\nFAILED\n"


def test_where_something_else_stands_in_place_of_a_batch_it_is_written_again_behind_that(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        first.prints("two\n", 2, killed_after=0)
    append(tmp_path, "FAILED")
    with run(tmp_path) as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2)
        assert len(second.notes) == 2
        assert "they may come twice" in second.notes[0]
        assert second.notes[1].startswith("6 bytes in the output are not from")
    assert (tmp_path / "out").read_text() == "one\nFAILED\ntwo\n", "on a line of its own"


def test_the_beginning_of_what_comes_next_is_completed(tmp_path: Path, flags: int) -> None:
    with run(tmp_path, flags=flags) as first:
        first.prints("one\n", 1)
    append(tmp_path, "two\nthr")  # as an earlier version left it, which knew no pending batch
    with run(tmp_path, flags=flags) as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2, more=True)
        second.prints("three\n", 3)
        second.prints("four\n", 4)
        assert second.notes == []
    assert (tmp_path / "out").read_text() == "one\ntwo\nthree\nfour\n"


def test_a_kill_while_old_output_is_still_being_compared_loses_nothing(tmp_path: Path) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
    append(tmp_path, "two\nthr")
    with run(tmp_path) as second:
        second.prints("two\n", 2)
    with run(tmp_path) as third:
        assert third.resumed == at(2)
        third.prints("three\n", 3)
        assert third.notes == []
    assert (tmp_path / "out").read_text() == "one\ntwo\nthree\n"


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


def test_a_file_that_cannot_be_read_is_only_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run(tmp_path) as first:
        first.prints("one\n", 1)
        first.prints("two\n", 2, killed_after=1)

    def refuse(*_: object) -> int:
        raise PermissionError

    with run_without_reading(tmp_path, monkeypatch, refuse) as second:
        assert second.resumed == at(1)
        second.prints("two\n", 2)
        assert len(second.notes) == 2
    assert (tmp_path / "out").read_text() == "one\nttwo\n"


@contextmanager
def run_without_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: object) -> Iterator[Run]:
    monkeypatch.setattr("chatty.cli.scripting.bookmark._opened_to_read", refuse)  # root may read anything
    with run(tmp_path) as found:
        yield found


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
