"""A TCP proxy that breaks connections on request, for tests.

async with Proxy(server.port) as proxy:
    async with chatty.join(proxy.url, room_id, name="John") as room:
        proxy.cut()
"""

from __future__ import annotations

import asyncio
import random
from types import TracebackType
from typing import Self

from tests.support.server import free_port

_CHUNK = 16 * 1024


class Proxy:
    """Forwards ``url`` to ``127.0.0.1:port``, until it is told to misbehave.

    ``opened`` counts the connections so far, ``open`` those that are open.
    """

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.opened = 0
        self._target = port
        self._listener: asyncio.Server | None = None
        self._wires: set[_Wire] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._budget: tuple[random.Random, int, int] | None = None

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.hang_up()
        tasks = [task for wire in self._wires for task in wire.tasks]
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def open(self) -> int:
        return len(self._wires)

    def cut(self) -> int:
        """Breaks every connection now without a goodbye, and says how many there were."""
        wires = list(self._wires)
        for wire in wires:
            wire.cut()
        return len(wires)

    def cut_at_random(self, seed: int, least: int, most: int) -> None:
        """Breaks each connection from now on after a random number of bytes in that range, in the middle of a frame."""
        self._budget = (random.Random(seed), least, most)

    def heal(self) -> None:
        """Ends `cut_at_random` for the connections that are opened from now on, and `freeze` for all."""
        self._budget = None
        self._flows.set()

    def freeze(self) -> None:
        """Forwards nothing more, and keeps every connection open: a cable that was pulled out."""
        self._flows.clear()

    async def listen(self) -> None:
        """Takes connections (again)."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def hang_up(self) -> None:
        """Takes no more connections: newcomers see “connection refused”. Those that are open stay."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        budget = None
        if self._budget is not None:
            source, least, most = self._budget
            budget = source.randint(least, most)
        wire = _Wire((reader, writer), there, self._flows, budget)
        self._wires.add(wire)
        try:
            await wire.run()
        finally:
            self._wires.discard(wire)


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Wire:
    """One connection through the proxy."""

    def __init__(self, here: Side, there: Side, flows: asyncio.Event, budget: int | None) -> None:
        self._sides = (here, there)
        self._flows = flows
        self._budget = budget
        self.tasks: list[asyncio.Task[None]] = []

    def cut(self) -> None:
        for _, writer in self._sides:
            writer.transport.abort()
        for task in self.tasks:
            task.cancel()

    async def run(self) -> None:
        (here, here_out), (there, there_out) = self._sides
        self.tasks = [
            asyncio.create_task(self._pump(here, there_out)),
            asyncio.create_task(self._pump(there, here_out)),
        ]
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.cut()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                if self._budget is not None:
                    data, self._budget = data[: self._budget], self._budget - len(data)
                writer.write(data)
                await writer.drain()
                if self._budget is not None and self._budget <= 0:
                    self.cut()
                    return
            writer.write_eof()
        except OSError:
            self.cut()
