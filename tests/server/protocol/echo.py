"""A chatty server as the echo server that WebSocket conformance suites expect.

Between the suite and the server, only what a room adds is taken away: the
address names a room and a new participant, and a message that came back is its
text again. All that the suite sends, and all control frames of the server's,
pass byte for byte: so it is the server that is tested.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from itertools import count
from urllib.parse import quote

from chatty.server.platform.network.frames import text_frame

TEXT = 0x81


@contextlib.asynccontextmanager
async def echo(port: int, room: str) -> AsyncIterator[str]:
    """Gives the echo server's ``ws://`` address; ``port`` is chatty's on this machine."""
    numbers = count(1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        _, _, fields = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        name = f"case {next(numbers)}"
        back.write(f"GET /chat/join?name={quote(name)}&room={room} HTTP/1.1\r\n".encode() + fields)
        writer.write(await there.readuntil(b"\r\n\r\n"))
        await asyncio.gather(_pass(reader, back), _unwrap(there, writer, name))

    served: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(
        lambda reader, writer: served.add(asyncio.create_task(serve(reader, writer))), "127.0.0.1", 0
    )
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*served)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with _until_one_side_ends(writer):
        while part := await reader.read(65_536):
            writer.write(part)
            await writer.drain()


async def _unwrap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
    """The server's frames, of which those with a text of ``name`` become that text, and others' are left out."""
    with _until_one_side_ends(writer):
        while True:
            head = await reader.readexactly(2)
            size = head[1]
            extended = await reader.readexactly({126: 2, 127: 8}.get(size, 0))
            payload = await reader.readexactly(int.from_bytes(extended) if extended else size)
            if head[0] != TEXT:
                writer.write(head + extended + payload)
            elif (said := json.loads(payload)).get("participant") == name and "text" in said:
                writer.write(text_frame(said["text"].encode()))
            await writer.drain()


@contextlib.contextmanager
def _until_one_side_ends(writer: asyncio.StreamWriter) -> Iterator[None]:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        yield
    writer.close()
