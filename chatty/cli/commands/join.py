"""``chatty join``: the door to the interactive screen in ``chatty.cli.join``."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.failures import Failure, explain, usage
from chatty.cli.options import NameOption, RoomArgument, at_server, environment
from chatty.cli.targets import RoomTarget, about, check_namesakes, resolve_room, speaking_name

EXAMPLES: Final = (
    "chatty join deploys",
    "chatty join deploys --name Ada",
)


Bell = Literal["mention", "all", "off"]


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    name: NameOption = None,
    color: Annotated[
        bool | None,
        typer.Option("--color/--no-color", help="Use colors or not. [env: NO_COLOR, FORCE_COLOR]", show_default=False),
    ] = None,
    bell: Annotated[Bell, typer.Option(help="Ring when you are mentioned, for every message, or never.")] = "mention",
    plain: Annotated[bool, typer.Option("--plain", help="Print lines only, and redraw nothing.")] = False,
) -> int:
    """Join a room, and talk there."""
    from chatty.cli.runner import run_plainly

    env = environment(ctx)
    if not env.stdin.isatty():
        raise usage("join needs a terminal to type in", "scripts use: chatty send ROOM, and: chatty tail ROOM")
    target = resolve_room(env, room, at)
    return run_plainly(_join(env, target, name, plain=plain, color=color, bell=bell))


async def _join(
    env: Environment, target: RoomTarget, name: str | None, *, plain: bool, color: bool | None, bell: Bell
) -> int:
    from chatty.cli.credentials import credential
    from chatty.cli.join import run
    from chatty.cli.room_list import KnownRoom, remember

    key = credential(env, target.profile, target.server)
    with about(env, target) as news:
        async with target.http(key) as http:
            known = KnownRoom.of(await http.room(target.room_id), target.server, since=env.now())
            await check_namesakes(env, http, known)
        name = await speaking_name(env, target, key, name)
        try:
            remember(env, known)
        except (OSError, Failure) as error:
            env.err(f"warning: the room is not remembered ({explain(error).message})")
        return await run(
            env,
            server=target.server,
            room_id=target.room_id,
            name=name,
            key=key,
            cacert=target.profile.cacert,
            plain=plain,
            color=color,
            bell=bell,
            on_closed=news.closed,
        )
