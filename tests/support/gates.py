"""What stands between a client and a server on other machines: an end of TLS, and a proxy. Both run in a thread.

with TlsGate(server.port, authority, "chat.example") as gate, HttpProxy({"chat.example": gate.port}) as proxy:
    user.env["HTTPS_PROXY"] = proxy.url
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import trustme

from tests.support.server import free_port


class Gate(ABC):
    """Listens on ``port`` of 127.0.0.1 while its context lasts, and serves each connection with `_serve`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listener: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._met, "127.0.0.1", self.port, ssl=self._tls)

    async def _end(self) -> None:
        assert self._listener is not None
        self._listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await self._serve(reader, writer)
        writer.transport.abort()

    @abstractmethod
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""


class TlsGate(Gate):
    """Ends TLS as ``host``, by a certificate of ``authority``, in front of the server at ``target``, a port."""

    def __init__(self, target: int, authority: trustme.CA, host: str) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(tls)
        super().__init__(tls)
        self._target = target

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _joined(reader, writer, await asyncio.open_connection("127.0.0.1", self._target))


class Together(Gate):
    """In front of the server at ``target``, a port: lets connections through only so ``many`` at a time."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target
        self.many(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def many(self, many: int) -> None:
        """From now on, each waits until so ``many`` have come."""
        self._barrier = asyncio.Barrier(many)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._barrier.wait()
        await _joined(reader, writer, await asyncio.open_connection("127.0.0.1", self._target))


class HttpProxy(Gate):
    """A proxy as companies have them: CONNECT for TLS, whole URLs without. ``routes`` are the hosts' ports here.

    ``asked`` has the request lines that it got. With ``credentials``
    (``user:password``) others get 407.
    """

    def __init__(self, routes: Mapping[str, int], credentials: str = "") -> None:
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"
        self.asked: list[str] = []
        self._routes = routes
        self._allowed = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *headers = head.removesuffix("\r\n\r\n").split("\r\n")
        self.asked.append(line)
        method, target, version = line.split()
        credentials = [header for header in headers if header.lower().startswith("proxy-")]
        if self._allowed and f"proxy-authorization: {self._allowed}".lower() not in map(str.lower, credentials):
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        there = await asyncio.open_connection("127.0.0.1", self._routes[url.hostname or ""])
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = f"{url.path}?{url.query}" if url.query else url.path
            kept = [header for header in headers if header not in credentials]
            there[1].write("\r\n".join([f"{method} {path} {version}", *kept, "", ""]).encode("latin-1"))
        await _joined(reader, writer, there)


async def _joined(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Carry what comes from either side to the other, until one of them ends."""
    flows = [asyncio.create_task(_flow(reader, there[1])), asyncio.create_task(_flow(there[0], writer))]
    try:
        await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for flow in flows:
            flow.cancel()
        await asyncio.gather(*flows, return_exceptions=True)
        there[1].transport.abort()


async def _flow(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        target.write(data)
        await target.drain()
