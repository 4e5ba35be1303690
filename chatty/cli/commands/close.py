"""``chatty close``: closes a room."""

from __future__ import annotations

from typing import Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain
from chatty.cli.options import RoomArgument, at_server, environment
from chatty.cli.targets import RoomTarget, about, resolve_room
from chatty.errors import Refused

EXAMPLES: Final = ("chatty close deploys",)


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
) -> int:
    """Close a room that you created, for everybody and for good. Its history stays readable for a day."""
    from chatty.cli.runner import run

    env = environment(ctx)
    return run(_close(env, resolve_room(env, room, at)))


async def _close(env: Environment, target: RoomTarget) -> int:
    from msgspec.structs import replace

    from chatty.cli.access.scope import as_owner
    from chatty.cli.room_list import find, remember

    known = find(env, target.room_id, target.server)
    with about(env, target):
        try:
            await as_owner(env, target, lambda http: http.close_room(target.room_id))
        except Refused as refused:
            if refused.code != "not_allowed":
                raise
            hint = "a room is closed by its owners; see: chatty whoami"
            raise Failure(
                ExitStatus.NOT_ALLOWED, refused.code, f'"{target.name}" is not yours to close', hint
            ) from None
    if known is None:
        return ExitStatus.DONE
    try:
        remember(env, replace(known, ends_at=env.now()))
    except (OSError, Failure) as error:
        env.err(f"warning: the room is closed, but the list of rooms can't be updated ({explain(error).message})")
    return ExitStatus.DONE
