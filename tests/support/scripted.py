"""A server that answers as a test says, for what a real one does once in a blue moon.

    async with Scripted(problem(503, "busy", retry_after=1), welcome()) as scripted:
        async with chatty.join(scripted.url, "room", name="John") as room: ...

The first request gets the first answer, and so on; the last one answers all
that follow.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import WSMsgType, web

from chatty.protocol import (
    Ack,
    Command,
    Error,
    Frame,
    Limits,
    Live,
    Problem,
    Produce,
    Producing,
    RoomInfo,
    Say,
    Type,
    Unknown,
    Welcome,
    You,
    decode_command,
    encode,
)
from tests.support.certificates import Files

AT = "2026-11-23T12:00:00.000Z"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reply = Callable[[Produce | Say], Frame]


class Scripted:
    """A real HTTP server on a free port; ``asked`` holds the path and query of every request."""

    def __init__(self, *answers: Answer, files: Files | None = None) -> None:
        """With the ``files`` of a certificate it speaks TLS."""
        self._answers = answers
        self._files = files
        self.asked: list[str] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{any:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        tls = None
        if self._files is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(*self._files)
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        _, port = self._runner.addresses[0]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        number = min(len(self.asked), len(self._answers) - 1)
        self.asked.append(request.path_qs)
        return await self._answers[number](request)


def text(status: int, body: str, *, kind: str = "text/html", retry_after: float | str | None = None) -> Answer:
    """An answer of a server that is no chatty."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type=kind, headers=headers)

    return answer


def redirect(status: int, *, to: str, keep_path: bool = True) -> Answer:
    """A redirect to another server, such as a proxy's from http to https; without the path: to its log-in."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": to + (request.path_qs if keep_path else "/login")})

    return answer


def problem(status: int, code: str, *, retry_after: float | None = None) -> Answer:
    """A refusal as chatty says it."""
    body = encode(Problem("title", status, f"because of {code}", code)).decode()
    return text(status, body, kind="application/problem+json", retry_after=retry_after)


def accepts(command: Produce | Say) -> Frame:
    """The answer of a server that stores everything."""
    return Producing(0) if isinstance(command, Produce) else Ack(n=command.n, seq=command.n)


def greeting(epoch: str = "e", last: int = 0) -> Welcome:
    """What a server says first."""
    room = RoomInfo("id", "name", "", AT, epoch, 1, last, 0)
    return Welcome(room, You("John"), [], 0, epoch, 1, last, Limits())


def talks(
    *frames: Frame | Unknown | str,
    epoch: str = "e",
    last: int = 0,
    close: int | None = None,
    reply: Reply = accepts,
    heard: list[Command] | None = None,
) -> Answer:
    """A WebSocket that says welcome and ``frames``, and then closes with ``close`` or answers what is ``heard``."""

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("chatty.v1",))
        await socket.prepare(request)
        for frame in (greeting(epoch, last), *(frames or (Live(last),))):
            await socket.send_str(frame if isinstance(frame, str) else encode(frame).decode())
        if close is not None:
            await socket.close(code=close, message=b"as the test says")
            return socket
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                command = decode_command(message.data)
                if heard is not None:
                    heard.append(command)
                if not isinstance(command, Type):
                    await socket.send_str(encode(reply(command)).decode())
        return socket

    return answer


def websocket(first: str, *, protocol: str = "chatty.v1") -> Answer:
    """A WebSocket that says one thing, and nothing else that makes sense."""

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(protocol,))
        await socket.prepare(request)
        await socket.send_str(first)
        await socket.receive()
        return socket

    return answer


def silent() -> Answer:
    """A server that takes a request and says nothing."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return answer


def hangs_once(told: list[str], hanging: asyncio.Event) -> Answer:
    """A server that stores messages, but for the first, to which no answer comes. ``told`` gets the texts."""

    async def answer(request: web.Request) -> web.StreamResponse:
        told.append((await request.json())["text"])
        hanging.set()
        return await silent()(request) if len(told) == 1 else web.json_response({"seq": 3}, status=201)

    return answer


def refusing(code: str, *, times: int) -> Reply:
    """The answers of a server that refuses the first ``times`` messages, and what they leave a hole for."""
    accepted, refused = 0, 0

    def reply(command: Produce | Say) -> Frame:
        nonlocal accepted, refused
        if isinstance(command, Produce):
            return Producing(accepted)
        number = command.n or 0
        if number > accepted + 1:
            return Error(n=number, code="out_of_order", message="")
        if refused < times:
            refused += 1
            return Error(n=number, code=code, message="not now")
        accepted = number
        return Ack(n=number, seq=number)

    return reply
