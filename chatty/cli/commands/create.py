"""``chatty create``: a new room."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.config import Profile, load_profile
from chatty.cli.environment import Environment
from chatty.cli.failures import Failure, advice_on_names, explain, usage
from chatty.cli.options import JsonOption, ProfileOption, ServerOption, duration, environment
from chatty.cli.targets import DEFAULT_SERVER, resolve_server

EXAMPLES: Final = (
    "chatty create deploys",
    'ROOM=$(chatty create deploys --topic "what goes out" --expires 24h)',
)


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The room's name.", show_default=False)],
    topic: Annotated[str, typer.Option("--topic", metavar="TEXT", help="What it is about.", show_default=False)] = "",
    expires: Annotated[float | None, duration("--expires", "Close it after this time: 30m, 24h, 7d …")] = None,
    server: ServerOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> int:
    """Create a room, and print its id. Whoever knows the id can get in."""
    from chatty.cli.runner import run
    from chatty.protocol import EXPIRES_SECONDS

    env = environment(ctx)
    if expires is not None and not 1 <= expires <= EXPIRES_SECONDS:
        raise usage("--expires: a room may close after a second at the soonest, and ten years at the latest")
    settings = load_profile(env, profile)
    address = resolve_server(env, server, settings) or DEFAULT_SERVER
    return run(_create(env, address, settings, name, topic, expires, as_json=json))


async def _create(
    env: Environment, server: str, profile: Profile, name: str, topic: str, expires: float | None, *, as_json: bool
) -> int:
    from chatty.cli.config import client_key
    from chatty.cli.room_list import KnownRoom, known_rooms, remember
    from chatty.client.http import Http
    from chatty.events import milliseconds
    from chatty.protocol import encode

    with advice_on_names("chatty create NAME; more can be said in its --topic"):
        async with Http(server, key=client_key(env, profile, server)) as http:
            room = await http.create_room(name, topic=topic, expires_in=expires)
    ends_at = milliseconds(room.expires_at) / 1000 if room.expires_at else None
    twins = False
    try:
        twins = any(known.name == room.name and known.is_open(env.now()) for known in known_rooms(env))
        remember(env, KnownRoom(room.id, room.name, server, room.owner_token, ends_at))
    except (OSError, Failure) as error:
        env.err(f"warning: the room is not remembered, so it can't be closed from here ({explain(error).message})")
    env.out(encode(room).decode() if as_json else room.id)
    if env.stdout.isatty() and not as_json:
        env.err(f"join it: chatty join {room.id}" + (f" --server {server}" if server != DEFAULT_SERVER else ""))
        if twins:
            env.err(f'warning: you know another room called "{room.name}": from now on, name both by their ids')
    return 0
