"""``chatty close``: a room's end."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain
from chatty.cli.options import CacertOption, ProfileOption, RoomArgument, ServerOption, environment
from chatty.cli.targets import RoomTarget, about, resolve_room

EXAMPLES: Final = ("chatty close deploys",)


def command(
    ctx: typer.Context,
    room: RoomArgument,
    server: ServerOption = None,
    profile: ProfileOption = None,
    cacert: CacertOption = None,
) -> int:
    """Close a room that you created, for everybody and for good. Its history can be read for another day."""
    from chatty.cli.runner import run

    env = environment(ctx)
    return run(_close(env, resolve_room(env, room, server=server, profile=profile, cacert=cacert)))


async def _close(env: Environment, target: RoomTarget) -> int:
    from msgspec.structs import replace

    from chatty.cli.room_list import known_rooms, remember
    from chatty.client.http import Http

    known = next((room for room in known_rooms(env) if (room.id, room.server) == (target.room_id, target.server)), None)
    if known is None or known.owner_token is None:
        raise Failure(
            ExitStatus.NOT_ALLOWED,
            "not_allowed",
            f'"{target.name}" is not yours to close',
            "who created a room closes it, on the machine where it was created; see: chatty rooms",
        )
    with about(env, target):
        async with Http(target.server, cacert=target.profile.cacert) as http:
            await http.close_room(target.room_id, known.owner_token)
    try:
        remember(env, replace(known, ends_at=env.now()))
    except (OSError, Failure) as error:
        env.err(f"warning: that the room is closed is not remembered ({explain(error).message})")
    return 0
