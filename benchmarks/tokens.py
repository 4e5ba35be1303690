"""Handshakes with a token, on a server that has issued a million of them, and on one that has issued that one.

A handshake is a TCP connection, the WebSocket upgrade as a reader, and the first frame. Both servers run at once, and
take turns of 200 handshakes.
"""

from __future__ import annotations

import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.report import Benchmark, Figures, Options, Table, latencies
from benchmarks.servers import PATIENCE, Running, running
from chatty.credentials import new_public_id, new_token
from chatty.server.business.entries import CreateRoom, Issue, SetPolicy
from chatty.server.business.rights import MEMBER, NOBODY, OPERATOR, OWNER, SERVER
from chatty.server.platform.network.access.credentials import nobody, token_hash
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.data_directory import DATABASE

TOKENS: Final = 1_000_000
BATCH: Final = 1_000
TURN: Final = 200
ROOM: Final = "0" * 27


def _fill(data: Path, tokens: int) -> str:
    """Issue so many tokens; the secret of the last one, who owns a room."""
    problems: list[BaseException] = []
    data.mkdir(parents=True)
    store = Store(data / DATABASE, on_error=problems.append)
    store.open()
    at = time.time_ns() // 1_000_000
    store.apply([CreateRoom(ROOM, at, "room", "", "0" * 16, b"\0" * 32), SetPolicy(SERVER, at, OPERATOR, NOBODY)])
    secret = new_token()
    for begin in range(0, tokens, BATCH):
        some = range(begin, min(begin + BATCH, tokens))
        hashes = [token_hash(secret) if number == tokens - 1 else number.to_bytes(32) for number in some]
        store.apply([
            Issue(SERVER, at, OPERATOR, new_public_id(), hashed, OWNER, f"n{number}", f"n{number}", nobody(), MEMBER)
            for number, hashed in zip(some, hashes, strict=True)
        ])  # fmt: skip
        store.checkpoint(quiet=False)
    store.close()
    if problems:
        raise RuntimeError(f"filling the store failed: {problems[0]}")
    return secret


def _handshake(server: Running, secret: str) -> float:
    """The seconds that one takes."""
    request = (
        f"GET /v1/rooms/{ROOM}/ws?join=false HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        f"Sec-WebSocket-Protocol: chatty.v1\r\nAuthorization: Bearer {secret}\r\n\r\n"
    )
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as line:
        line.sendall(request.encode())
        answer = b""
        while b'"welcome"' not in answer:
            part = line.recv(65_536)
            if not part:
                raise RuntimeError(f"no handshake: {answer[:300]!r}")
            answer += part
        return time.perf_counter() - began


def _handshakes(options: Options) -> Table:
    counts = {"a million tokens": TOKENS, "one token": 1}
    times: dict[str, list[float]] = {name: [] for name in counts}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        servers = {}
        for name, count in counts.items():
            data = Path(scratch) / name
            secret = _fill(data, count)
            servers[name] = (stack.enter_context(running("chatty", data=data)), secret)
        until = time.perf_counter() + 2 * options.runs * options.seconds
        while time.perf_counter() < until:
            for name, (server, secret) in servers.items():
                times[name] += [_handshake(server, secret) for _ in range(TURN)]
    found: dict[str, Figures] = {name: latencies(taken) for name, taken in times.items()}
    return found


BENCHMARKS: Final = (
    Benchmark("tokens", f"handshakes with one of {TOKENS:,} tokens, and with the only one", _handshakes),
)
