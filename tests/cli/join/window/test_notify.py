"""Notifications outside of the terminal's text: what is written, and what a command gets."""

from __future__ import annotations

import ast
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from unicodedata import category

import psutil
import pytest

from chatty.cli.join.window import notify
from chatty.cli.join.window.notify import Notifier
from tests.cli.join.hostile import LIST
from tests.support.server import PATIENCE

TMUX = "/tmp/tmux-0/default,1,0"


def written(how: str, title: str = "#general", text: str = "Ada: ping", **environ: str) -> str:
    """What is written to a terminal."""
    pieces: list[str] = []
    Notifier(pieces.append, {"TERM": "xterm-256color"} | environ, pieces.append).notify(how, title, text)
    return "".join(pieces)


def test_the_bell_is_the_bell_and_off_is_nothing() -> None:
    assert written("bell") == "\a"
    assert written("off") == ""


@pytest.mark.parametrize(
    ("environ", "sequence"),
    [
        ({"TERM": "foot"}, "\x1b]777;notify;#general;Ada: ping\a"),
        ({"TERM": "xterm-ghostty"}, "\x1b]777;notify;#general;Ada: ping\a"),
        ({"TERM_PROGRAM": "WezTerm"}, "\x1b]777;notify;#general;Ada: ping\a"),
        ({"TERM": "xterm-kitty"}, "\x1b]9;#general: Ada: ping\a"),
        ({"KITTY_WINDOW_ID": "1"}, "\x1b]9;#general: Ada: ping\a"),
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;#general: Ada: ping\a"),
        ({"LC_TERMINAL": "iTerm2"}, "\x1b]9;#general: Ada: ping\a"),
        ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;#general;Ada: ping\a\a"),
        ({"VTE_VERSION": "7600"}, "\x1b]777;notify;#general;Ada: ping\a\a"),
        ({"WT_SESSION": "x"}, "\x1b]9;#general: Ada: ping\a\a"),
        ({}, "\a"),
        ({"TERM_PROGRAM": "Apple_Terminal"}, "\a"),
        ({"TERM": "dumb", "KITTY_WINDOW_ID": "1"}, "\a"),
        ({"TERM": "screen", "STY": "1.pts", "VTE_VERSION": "7600"}, "\a"),
        ({"TERM": "tmux-256color", "TMUX": TMUX}, "\a"),
        (
            {"TERM": "tmux-256color", "TMUX": TMUX, "KITTY_WINDOW_ID": "1"},
            "\x1bPtmux;\x1b\x1b]9;#general: Ada: ping\a\x1b\\\a",
        ),
    ],
)
def test_a_terminal_gets_the_sequence_that_it_knows_and_else_the_bell(environ: dict[str, str], sequence: str) -> None:
    assert written("osc", **environ) == sequence


@pytest.mark.parametrize("term", ["foot", "xterm-kitty"])
@pytest.mark.parametrize("text", [*LIST, "a;b\x1b\\;\x9c\a", "\x1b]777;notify;x;y\a"])
def test_hostile_texts_stay_texts_in_a_sequence(term: str, text: str) -> None:
    sequence = written("osc", f"#{text}", text, TERM=term)
    assert sequence[0] == "\x1b"
    assert sequence[-1] == "\a"
    assert "Cc" not in map(category, sequence[1:-1])
    assert sequence.count(";") == 3 if term == "foot" else sequence.startswith("\x1b]9;#")
    assert len(sequence) < 450


@asynccontextmanager
async def notifying(failures: list[str] | None = None) -> AsyncIterator[Notifier]:
    """A notifier without a terminal, whose commands are run."""
    notifier = Notifier(None, {"PATH": os.environ["PATH"]}, (failures if failures is not None else []).append)
    running = asyncio.create_task(notifier.run())
    try:
        yield notifier
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until(what: Callable[[], bool]) -> None:
    """Waits until another process has done ``what``."""
    async with asyncio.timeout(PATIENCE):
        while not what():
            await asyncio.sleep(0.01)


def content(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def lines(file: Path) -> int:
    return content(file).count("\n")


async def written_to(file: Path) -> str:
    """The content of ``file``, as soon as it has a line."""
    await until(lambda: lines(file) > 0)
    return content(file)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """A script that writes what it was called with, and where its streams lead, into ``called``."""
    script = tmp_path / "record it"
    script.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "streams = {os.readlink(f'/proc/self/fd/{number}') for number in range(3)}\n"
        f"print(sys.argv[1:], streams, os.getsid(0) == os.getpid(), file=open({str(tmp_path / 'called')!r}, 'a'))\n"
    )
    script.chmod(0o700)
    return script


@pytest.mark.parametrize(
    "text",
    [
        "$(touch x)",
        "`touch x`; touch x & touch x | touch x > x",
        'it\'s "quoted" \\ and $HOME *',
        "\x1b]0;title\a\x00\n\r--",
    ],
)
async def test_a_command_gets_title_and_text_as_arguments_and_no_shell_sees_them(
    recorder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    async with notifying() as notifier:
        notifier.notify(f"'{recorder}' --app 'a room' '$HOME'", "#general", text)
        called = await written_to(tmp_path / "called")
    shown = text.replace("\x1b", "␛").replace("\a", "␇").replace("\x00", "␀").replace("\n\r", " ")
    arguments = ["--app", "a room", "$HOME", "#general", shown]
    assert called == f"{arguments} {{'/dev/null'}} True\n"
    assert not (tmp_path / "x").exists()


async def test_a_text_cannot_pass_for_an_option_and_is_cut_short(recorder: Path, tmp_path: Path) -> None:
    async with notifying() as notifier:
        notifier.notify(f"'{recorder}'", "#general", "--icon=/etc/passwd " + "x" * 1_000)
        called = await written_to(tmp_path / "called")
    title, text = ast.literal_eval(called.partition(" {")[0])
    assert text.startswith(" --icon")
    assert len(text) == 200
    assert title == "#general"


async def test_one_command_runs_at_a_time_and_then_the_latest(recorder: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = tmp_path / "slow"
    script.write_text(f"#!/bin/sh\nread line < '{gate}'\nexec '{recorder}' \"$@\"\n")
    script.chmod(0o700)
    async with notifying() as notifier:
        notifier.notify(str(script), "#general", "first")
        writer = await asyncio.to_thread(gate.open, "w")  # it runs now
        for text in ("second", "third"):
            notifier.notify(str(script), "#general", text)
        writer.write("go on\n")
        writer.close()
        await written_to(tmp_path / "called")
        with await asyncio.to_thread(gate.open, "w") as writer:
            writer.write("go on\n")
        await until(lambda: lines(tmp_path / "called") == 2)
    called = (tmp_path / "called").read_text()
    assert "'first'" in called
    assert "'third'" in called
    assert "'second'" not in called


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "SECONDS", 0.5)
    failures: list[str] = []
    script = tmp_path / "hang"
    script.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > '{tmp_path / 'child'}'\nwait\n")
    script.chmod(0o700)
    async with notifying(failures) as notifier:
        notifier.notify(str(script), "#general", "text")
        child = int(await written_to(tmp_path / "child"))
        await until(lambda: bool(failures) and is_gone(child))
    assert failures == [f"the command of notify was ended after 0 s: {script}"]


async def test_leaving_ends_a_command_that_still_runs(tmp_path: Path) -> None:
    script = tmp_path / "hang"
    script.write_text(f"#!/bin/sh\necho $$ > '{tmp_path / 'pid'}'\nexec sleep 600\n")
    script.chmod(0o700)
    async with notifying() as notifier:
        notifier.notify(str(script), "#general", "text")
        pid = int(await written_to(tmp_path / "pid"))
    assert is_gone(pid)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/nowhere/notify", "can't be started (No such file or directory)"),
        ("sh -c 'exit 3'", "failed with status 3"),
        ("'", "can't be started (No closing quotation)"),
        ("a\0b", "can't be started (embedded null byte)"),
    ],
)
async def test_a_command_that_fails_is_told_with_the_reason(command: str, why: str) -> None:
    failures: list[str] = []
    async with notifying(failures) as notifier:
        notifier.notify(command, "#general", "text")
        await until(lambda: bool(failures))
    assert failures == [f"the command of notify {why}: {command}"]


async def test_a_command_that_fails_each_time_is_told_once(tmp_path: Path) -> None:
    failures: list[str] = []
    ran = tmp_path / "ran"
    command = f"sh -c 'echo ran >> {ran}; exit 3'"
    async with notifying(failures) as notifier:
        for times in (1, 2, 3):
            notifier.notify(command, "#general", "text")
            await until(lambda times=times: lines(ran) == times)  # type: ignore[misc]
        notifier.notify("/nowhere/notify", "#general", "text")
        await until(lambda: failures[-1:] != failures[:1])
    assert [one.partition(": ")[2] for one in failures] == [command, "/nowhere/notify"]
