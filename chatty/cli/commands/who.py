"""``chatty who``: lists the participants of a room."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.options import JsonOption, RoomArgument, at_server, environment
from chatty.cli.targets import RoomTarget, about, resolve_room

EXAMPLES: Final = (
    "chatty who deploys",
    "chatty who deploys --json",
)


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    json: JsonOption = False,
) -> int:
    """List the participants of a room, without joining it."""
    from chatty.cli.runner import run

    env = environment(ctx)
    return run(_who(env, resolve_room(env, room, at), as_json=json))


async def _who(env: Environment, target: RoomTarget, *, as_json: bool) -> int:
    from chatty.cli.credentials import credential
    from chatty.cli.terminal.cleaning import VERIFIED, clean_name
    from chatty.protocol import encode

    with about(env, target):
        async with target.http(credential(env, target.profile, target.server)) as http:
            present = await http.participants(target.room_id)
    for participant in present:
        if as_json:
            env.out(encode(participant).decode())
        else:
            verified = f" {VERIFIED}" if participant.verified else ""
            env.out(clean_name(participant.name) + verified + (" (away)" if participant.away else ""))
    return 0
