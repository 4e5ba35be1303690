"""A command ends when it has nothing more to do, whatever some thread of it still waits for."""

from __future__ import annotations

import subprocess
import sys

from tests.support.server import PATIENCE, ROOT

BEGINNING = """
import asyncio, sys, threading
from chatty.cli.runner import run

async def in_a_thread(work, *arguments):
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
"""


def status_of(script: str) -> int:
    done = subprocess.run([sys.executable, "-c", BEGINNING + script], cwd=ROOT, timeout=PATIENCE, check=False)
    return done.returncode


def test_a_name_server_that_does_not_answer_holds_up_no_ending() -> None:
    script = """
async def command():
    try:
        async with asyncio.timeout(0.01):
            await in_a_thread(threading.Event().wait)
    except TimeoutError:
        return 7

sys.exit(run(command()))
"""
    assert status_of(script) == 7


def test_what_a_thread_finds_or_fails_with_comes_back() -> None:
    script = """
async def command():
    try:
        await in_a_thread(int, "no number")
    except ValueError:
        return await in_a_thread(int, "7")

sys.exit(run(command()))
"""
    assert status_of(script) == 7
