"""``chatty who``: lists the participants of a room."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.environment import Environment
from chatty.cli.options import CacertOption, JsonOption, ProfileOption, RoomArgument, ServerOption, environment
from chatty.cli.targets import RoomTarget, about, resolve_room

EXAMPLES: Final = (
    "chatty who deploys",
    "chatty who deploys --json",
)


def command(
    ctx: typer.Context,
    room: RoomArgument,
    server: ServerOption = None,
    profile: ProfileOption = None,
    cacert: CacertOption = None,
    json: JsonOption = False,
) -> int:
    """List the participants of a room, without joining it."""
    from chatty.cli.runner import run

    env = environment(ctx)
    return run(_who(env, resolve_room(env, room, server=server, profile=profile, cacert=cacert), as_json=json))


async def _who(env: Environment, target: RoomTarget, *, as_json: bool) -> int:
    from chatty.cli.config import client_key
    from chatty.cli.terminal.cleaning import clean_name
    from chatty.protocol import encode

    with about(env, target):
        async with target.http(client_key(env, target.profile, target.server)) as http:
            present = await http.participants(target.room_id)
    for participant in present:
        if as_json:
            env.out(encode(participant).decode())
        else:
            env.out(clean_name(participant.name) + (" (away)" if participant.away else ""))
    return 0
