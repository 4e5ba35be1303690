"""``chatty rooms``: the rooms that this user created or joined."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.options import JsonOption, environment

EXAMPLES: Final = (
    "chatty rooms",
    """chatty rooms --json | grep '"owned":true'""",
)


def command(ctx: typer.Context, json: JsonOption = False) -> int:
    """List the rooms that you created or joined.

    Each line has name, id and server, the latest room last. No server is asked.
    """
    from chatty.cli.room_list import known_rooms, listing
    from chatty.cli.terminal.cleaning import clean

    env = environment(ctx)
    rooms = [room for room in known_rooms(env) if room.is_open(env.now())]
    if json:
        for room in rooms:
            env.out(listing(room))
        return 0
    names = [clean(room.name, newlines=False).replace("\t", " ") for room in rooms]
    width = max(map(len, names), default=0) if env.stdout.isatty() else 0
    for name, room in zip(names, rooms, strict=True):
        env.out(f"{name:{width}}\t{room.id}\t{room.server}")
    return 0
