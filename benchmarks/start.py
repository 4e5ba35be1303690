"""Starting: what a command costs beyond Python itself.

version  `chatty --version`, beside `python -c pass`
send     `chatty send` of one line, beside a script that imports aiohttp and posts that line
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.report import Benchmark, Figures, Options, Table, rounds
from benchmarks.servers import CLIENT_CORE, ROOT, pinned, running

TIMES: Final = 7
"""Starts in a round: single ones scatter."""

_POST: Final = """
import asyncio, sys
import aiohttp

async def main():
    async with aiohttp.ClientSession() as session:
        async with session.post(sys.argv[1], json={"participant": "bare", "text": "hello"}) as answer:
            answer.raise_for_status()

asyncio.run(main())
"""


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, input=b"hello\n", capture_output=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} …: {done.stderr.decode(errors='replace')[-500:]}")
    return time.perf_counter() - began


def _fastest(command: Sequence[str]) -> Figures:
    """The fastest of some starts: what others do to the machine can only add."""
    return {"fastest_ms": min(_seconds(command) for _ in range(TIMES)) * 1000}


def _version(options: Options) -> Table:
    python = sys.executable
    with pinned(CLIENT_CORE):
        return rounds(options, {
            "chatty --version": partial(_fastest, (python, "-m", "chatty", "--version")),
            "python -c pass": partial(_fastest, (python, "-c", "pass")),
        })  # fmt: skip


def _send(options: Options) -> Table:
    python = sys.executable
    with running("chatty") as server:
        (room,) = server.make_rooms(1)
        url = f"http://127.0.0.1:{server.port}"
        send = (python, "-m", "chatty", "send", room, "--name", "bench", "--server", url)
        with pinned(CLIENT_CORE):
            return rounds(options, {
                "chatty send": partial(_fastest, send),
                "bare aiohttp": partial(_fastest, (python, "-c", _POST, f"{url}/v1/rooms/{room}/messages")),
            })  # fmt: skip


BENCHMARKS: Final = (
    Benchmark("version", "starting and ending, without doing anything", _version),
    Benchmark("send", "one line from a script", _send),
)
