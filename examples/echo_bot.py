"""Says again what others say in a room.

python examples/echo_bot.py http://127.0.0.1:8080 ROOM_ID
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import chatty


async def main(server: str, room_id: str) -> None:
    """Answers until the room closes or Ctrl-C."""
    async with chatty.join(server, room_id, name="echo") as room:
        async for event in room:
            if isinstance(event, chatty.Message) and not event.automatic:  # nor what it says itself
                await room.send(f"{event.participant} said: {event.text}", automatic=1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
