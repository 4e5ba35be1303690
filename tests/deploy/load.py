"""Somebody uses a server: in all dialects, over HTTP, with searches, wrong requests and connections that come back."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.server import Server

PACE = 0.05
"""Seconds from one message of a member to the next, on average."""


async def used(server: Server, seconds: float) -> None:
    """Use a server for so long."""
    room = (await asyncio.to_thread(server.make_room))["id"]
    v1, seed = f"/v1/rooms/{room}/ws?name=", f"/chat/join?room={room}&name="
    async with aiohttp.ClientSession(server.url) as http:
        await _for(
            seconds,
            *(_talk(server, f"{v1}Ada{number}", json.dumps({"op": "send", "text": "hello"})) for number in range(6)),
            *(_talk(server, f"{seed}Bo{number}", "hello") for number in range(3)),
            *(_watch(http, room) for _ in range(2)),
            _come_back(server, v1),
            _ask(http, room),
        )


async def chatted(server: Server, seconds: float) -> None:
    """Two members of a room chat for so long."""
    room = (await asyncio.to_thread(server.make_room))["id"]
    frame = json.dumps({"op": "send", "text": "hello"})
    await _for(seconds, *(_talk(server, f"/v1/rooms/{room}/ws?name={name}", frame) for name in ("Ada", "Bo")))


async def _for(seconds: float, *work: Coroutine[Any, Any, None]) -> None:
    """Let work that never ends go on for so long."""
    tasks = [asyncio.create_task(one) for one in work]
    done, going = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in going:
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)
    for task in done:
        task.result()  # which raises what ended it too early


async def _talk(server: Server, path: str, frame: str) -> None:
    chance = random.Random(path)
    async with connect(f"ws://127.0.0.1:{server.port}{path}") as socket, asyncio.TaskGroup() as group:
        group.create_task(_hear(socket))
        while True:
            await socket.send(frame)
            await asyncio.sleep(chance.expovariate(1 / PACE))


async def _hear(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


async def _watch(http: aiohttp.ClientSession, room: str) -> None:
    async with http.get(f"/v1/rooms/{room}/stream") as response:
        async for _ in response.content:
            pass


async def _come_back(server: Server, path: str) -> None:
    """Connect again and again, from where one has been or where nobody was, and be sent away for a binary frame."""
    since = 0
    while True:
        async with connect(f"ws://127.0.0.1:{server.port}{path}Cy&since={since}") as socket:
            with suppress(ConnectionClosed):
                await socket.send(b"binary")
                async for _ in socket:
                    pass
        since = 10**9 if since == 0 else 0
        await asyncio.sleep(0.3)


async def _ask(http: aiohttp.ClientSession, room: str) -> None:
    asked = (
        ("GET", f"/v1/rooms/{room}/events?limit=100", None, ""),
        ("GET", f"/v1/rooms/{room}/events?q=hello", None, ""),
        ("POST", f"/v1/rooms/{room}/messages", {"participant": "Di", "text": "hello"}, ""),
        ("POST", f"/v1/rooms/{room}/messages", {"participant": "Di", "text": ""}, ""),
        ("GET", "/v1/rooms/none", None, ""),
        ("GET", "/v1/me", None, "chatty_t_not-a-valid-one"),
        ("POST", f"/v1/rooms/{room}/admission", {"password": "a guess of it"}, "k" * 40),
    )
    while True:
        for method, path, body, key in asked:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            async with http.request(method, path, json=body, headers=headers) as response:
                await response.read()
            await asyncio.sleep(0.02)
