"""``chatty close``: closes a room."""

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
    """Close a room that you created, for everybody and for good. Its history stays readable for a day."""
    from chatty.cli.runner import run

    env = environment(ctx)
    return run(_close(env, resolve_room(env, room, server=server, profile=profile, cacert=cacert)))


async def _close(env: Environment, target: RoomTarget) -> int:
    from msgspec.structs import replace

    from chatty.cli.room_list import find, remember

    known = find(env, target.room_id, target.server)
    if known is None or known.owner_token is None:
        raise Failure(
            ExitStatus.NOT_ALLOWED,
            "not_allowed",
            f'"{target.name}" is not yours to close',
            "a room is closed by the person who created it, on the same machine; see: chatty rooms",
        )
    with about(env, target):
        async with target.http(None) as http:
            await http.close_room(target.room_id, known.owner_token)
    try:
        remember(env, replace(known, ends_at=env.now()))
    except (OSError, Failure) as error:
        env.err(f"warning: the room is closed, but the list of rooms can't be updated ({explain(error).message})")
    return 0
