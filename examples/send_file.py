"""Sends each line of a file, exactly once, however often this is started or killed.

python examples/send_file.py http://127.0.0.1:8080 ROOM_ID FILE SECRET_FILE

The secret makes a second run the same sender as the first; the file's name
makes it the same list of lines. What the first run has sent is not sent again.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import chatty
from chatty.client.identity import derive_key, new_secret, producer_from_key


def secret_in(file: Path) -> str:
    """The secret that ``file`` holds; the first time it makes one, for this user's eyes only."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(new_secret())
    return file.read_text()


async def main(server: str, room_id: str, lines: list[str], *, key: str, producer: str) -> None:
    """Returns when the server has stored every line."""
    async with chatty.join(server, room_id, name="file", key=key, producer=producer, participate=False) as room:
        acks = [await room.post(line) for line in lines if line.strip()]
        await room.flush()
    new = sum(not ack.result().duplicate for ack in acks)
    print(f"{new} of {len(acks)} lines were new")


if __name__ == "__main__":
    server, room_id, file, secret_file = sys.argv[1:]
    key = derive_key(secret_in(Path(secret_file)), server)
    lines = Path(file).read_text().splitlines()
    asyncio.run(main(server, room_id, lines, key=key, producer=producer_from_key(file)))
