"""What docs/python.md and examples/ show is run."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import chatty
from chatty.client.connection import HEARTBEAT_SECONDS
from chatty.client.inbox import HELD_BYTES
from chatty.client.link import LinkOptions
from chatty.protocol import IN_FLIGHT
from tests.support.reading import texts_until
from tests.support.server import ROOT, Server, environment

DOCUMENT = (ROOT / "docs/python.md").read_text("utf-8")


def example(name: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


async def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = await asyncio.to_thread(process.communicate)
    return process.returncode, out, errors


async def test_the_document_can_be_typed_in_from_top_to_bottom(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    fragments = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    for fragment in fragments:
        source = fragment.replace("http://127.0.0.1:8080", server.url)
        code = compile(source, "docs/python.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, names)  # noqa: S307 - the examples of our own documents
        if inspect.isawaitable(running):
            await running
    printed = capsys.readouterr().out.splitlines()
    expected = [
        r"general \['Ada'\]",
        r"\d+ Ada Hello",
        r"True",
        r'\{"event_type":"welcome",.*\}',
        r'\{"event_type":"message",.*"text":"Hello"\}',
        r'\{"event_type":"message",.*"text":"build 17 is done"\}',
        r"50\d\d",
        r"yes Grace reply",
        *(r"ci answered by Grace: yes", r"Grace Yes"),
        *(r"1 one False", r"1 two False", r"2 one True", r"2 two True"),
        r"general ops",
        *(r"connecting", r"connected", r"offline "),
        r"room_not_found 404",
        r"50\d\d \d 100 True",
    ]
    assert [pattern for pattern, line in zip(expected, printed, strict=True) if not re.fullmatch(pattern, line)] == []


def test_the_documents_figures_are_the_codes() -> None:
    options = inspect.signature(LinkOptions).parameters
    for figure in (
        f"Up to {HELD_BYTES // 1024**2} MiB",
        f"{options['stall'].default:.0f} s at a time",
        f"fewer than {IN_FLIGHT:,} messages",
        f"tried again for {options['transient'].default:.0f} s",
        f"Silence of {HEARTBEAT_SECONDS * 1.5:.0f} s",
    ):
        assert figure in DOCUMENT.replace("\n", " "), figure


def test_everything_public_is_documented() -> None:
    for name in set(chatty.__all__) - {"__version__", "Event", "Received", "Room"}:
        assert re.search(rf"\b{name}\b", DOCUMENT), name
    for member in dir(chatty.Room):
        assert member.startswith("_") or re.search(rf"\broom\.{member}\b|`{member}`", DOCUMENT), member
    for parameter in inspect.signature(chatty.join).parameters:
        assert re.search(rf"\b{parameter}\b", DOCUMENT), parameter


async def test_the_echo_bot_answers_and_leaves_on_ctrl_c(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada") as room:
        bot = example("echo_bot.py", server.url, room_id)
        async for event in room:
            if isinstance(event, chatty.ParticipantJoined):
                break
        await room.send("hello")
        assert await texts_until(room, "Ada said: hello") == ["hello", "Ada said: hello"]
        bot.send_signal(signal.SIGINT)
        left = await anext(room)
        assert isinstance(left, chatty.ParticipantLeft)
        assert (left.participant, left.reason) == ("echo", "left")
    assert await outcome(bot) == (0, "", "")


async def test_a_file_is_sent_once_however_often_its_sender_is_killed(
    server: Server, room_id: str, tmp_path: Path
) -> None:
    lines = [f"line {number}" for number in range(3_000)]
    file, secret = tmp_path / "lines", tmp_path / "secret"
    file.write_text("\n".join(lines))
    arguments = (server.url, room_id, str(file), str(secret))
    for count in (100, 1_500):
        killed = example("send_file.py", *arguments)
        await first_lines(server, room_id, count)
        killed.kill()
        await outcome(killed)
    status, printed, _ = await outcome(example("send_file.py", *arguments))
    assert status == 0
    assert re.fullmatch(r"\d+ of 3000 lines were new\n", printed)
    assert await outcome(example("send_file.py", *arguments)) == (0, "0 of 3000 lines were new\n", "")
    assert await asyncio.to_thread(server.texts, room_id) == lines
    assert secret.stat().st_mode & 0o777 == 0o600


async def first_lines(server: Server, room_id: str, count: int) -> None:
    async with chatty.join(server.url, room_id, participate=False, since=0) as room:
        async for event in room:
            count -= isinstance(event, chatty.Message)
            if not count:
                return


async def test_the_history_is_saved_as_the_server_keeps_it(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="Ada", participate=False) as room:
        for number in range(1_200):
            await room.post(f"line {number}")
    status, printed, errors = await outcome(example("save_history.py", server.url, room_id))
    assert (status, errors) == (0, "")
    saved = [json.loads(line) for line in printed.splitlines()]
    assert saved == await asyncio.to_thread(server.history, room_id)
    assert len(saved) == 1_200
