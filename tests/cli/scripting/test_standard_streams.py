"""Standard streams of every kind: read to their end, written in full, and never in the event loop's way."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatty.cli.environment import ReaderGone
from chatty.cli.scripting.standard_streams import Output, chunks

BIG = b"".join(b"%07d\n" % number for number in range(100_000))


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue  # the test has closed it


async def read_all(descriptor: int) -> bytes:
    return b"".join([chunk async for chunk in chunks(descriptor)])


async def test_a_pipe_is_read_as_it_comes_and_to_its_end(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    arriving = chunks(reader)
    for said in (b"one", b"two"):
        os.write(writer, said)
        assert await anext(arriving) == said
    os.close(writer)
    assert [chunk async for chunk in arriving] == []


async def test_a_file_and_nothing_and_a_socket_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(BIG)
    with (tmp_path / "big").open("rb") as file:
        assert await read_all(file.fileno()) == BIG
    null = os.open(os.devnull, os.O_RDONLY)
    assert await read_all(null) == b""
    os.close(null)
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"hello")
        far.shutdown(socket.SHUT_WR)
        assert await read_all(near.fileno()) == b"hello"


async def test_a_pipe_that_somebody_made_nonblocking_is_waited_for(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.set_blocking(reader, False)
    reading = asyncio.create_task(read_all(reader))
    await asyncio.sleep(0)
    os.write(writer, b"late")
    os.close(writer)
    assert await reading == b"late"


async def test_what_cannot_be_read_raises(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(IsADirectoryError):
            await read_all(directory)
    finally:
        os.close(directory)


async def test_a_file_and_nothing_are_written_at_once(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        with Output(file.fileno()) as out:
            await out.write(BIG)
        assert (tmp_path / "out").read_bytes() == BIG
    null = os.open(os.devnull, os.O_WRONLY)
    with Output(null) as out:
        await out.write(BIG)
    os.close(null)


async def test_a_slow_reader_of_a_pipe_does_not_stop_the_loop(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    with Output(writer) as out:
        writing = asyncio.create_task(out.write(BIG))
        for _ in range(1_000):  # more turns than the pipe's buffer has room for
            await asyncio.sleep(0)
        assert not writing.done()
        reading = asyncio.create_task(read_all(reader))
        await writing
    os.close(writer)
    assert await reading == BIG


async def test_who_stops_reading_ends_a_write(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    with pytest.raises(ReaderGone), Output(writer) as out:
        os.close(reader)
        await out.write(BIG)


async def test_who_stops_reading_ends_work_that_has_nothing_to_write(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    with pytest.raises(ReaderGone), Output(writer):
        asyncio.get_running_loop().call_soon(os.close, reader)
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_short_lines_are_never_torn(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    with Output(writer) as out:
        writing = asyncio.create_task(out.write(BIG))
        while not out.written:
            await asyncio.sleep(0)
        while select.select([], [writer], [], 0)[1]:  # until the pipe is full
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    os.close(writer)
    got = await read_all(reader)
    assert got == BIG[: out.written]
    assert got.endswith(b"\n")


async def test_who_is_cancelled_in_the_middle_of_a_line_finishes_it_first(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    line = b"x" * 100_000 + b"\n"  # more than a pipe holds
    with Output(writer) as out:
        writing = asyncio.create_task(out.write(line + line))
        while select.select([], [writer], [], 0)[1]:
            await asyncio.sleep(0)
        writing.cancel()
        reading = asyncio.create_task(read_all(reader))
        with pytest.raises(asyncio.CancelledError):
            await writing
    os.close(writer)
    assert await reading == line
    assert out.written == len(line)


async def test_where_nobody_reads_a_line_is_finished_no_more(pipe: tuple[int, int]) -> None:
    _, writer = pipe
    with Output(writer, finishing=0.01) as out:
        writing = asyncio.create_task(out.write(b"x" * 100_000 + b"\n"))
        while select.select([], [writer], [], 0)[1]:
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing


async def test_a_pipe_that_one_reads_from_oneself_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    both = os.open(tmp_path / "fifo", os.O_RDWR)
    try:
        with Output(both) as out:
            await out.write(b"one\n")
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # so that the loop sees that something can be read there
            await out.write(b"two\n")
        assert os.read(both, 100) == b"one\ntwo\n"
    finally:
        os.close(both)


async def test_a_socket_whose_other_end_goes_away_ends_work_that_has_nothing_to_write() -> None:
    near, far = socket.socketpair()
    with near, pytest.raises(ReaderGone), Output(near.fileno()) as out:
        far.sendall(b"what nobody reads")
        await out.write(b"one\n")
        assert far.recv(100) == b"one\n"
        asyncio.get_running_loop().call_soon(far.close)
        await asyncio.Event().wait()


async def test_a_socket_that_says_no_more_may_still_be_reading() -> None:
    near, far = socket.socketpair()
    with near, far, Output(near.fileno()) as out:
        far.shutdown(socket.SHUT_WR)
        for number in range(10):
            await out.write(b"%d" % number)
        assert far.recv(100) == b"0123456789"


async def test_being_cancelled_for_another_reason_stays_that(pipe: tuple[int, int]) -> None:
    _, writer = pipe

    async def work() -> None:
        with Output(writer):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_terminal_is_written_to() -> None:
    near, far = pty.openpty()
    try:
        with Output(far) as out:
            await out.write(b"hello\n")
        assert os.read(near, 100) == b"hello\r\n"
    finally:
        os.close(near)
        os.close(far)
