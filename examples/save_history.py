"""Writes a room's history to standard output, one JSON event a line, as the server keeps it.

python examples/save_history.py http://127.0.0.1:8080 ROOM_ID > room.ndjson
"""

from __future__ import annotations

import asyncio
import sys

import chatty
from chatty.protocol import Live


async def main(server: str, room_id: str) -> None:
    """Reads from the first event up to the present."""
    async with chatty.join(server, room_id, participate=False, since=0) as room:
        async for frame, text, _ in room.frames():
            if isinstance(frame, Live):
                break
            if isinstance(frame, chatty.Event):
                print(text)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
