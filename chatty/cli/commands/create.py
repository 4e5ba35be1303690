"""``chatty create``: a new room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.failures import Failure, advice_on_names, explain, usage
from chatty.cli.options import JsonOption, at_server, duration, environment
from chatty.cli.targets import DEFAULT_SERVER, RoomTarget, about, check_namesakes, whole_server

if TYPE_CHECKING:
    from chatty.cli.room_list import KnownRoom

EXAMPLES: Final = (
    "chatty create deploys",
    'ROOM=$(chatty create deploys --topic "releases and incidents" --expires 24h)',
)


class CreateOptions(NamedTuple):
    """The command line, parsed. Times are in seconds."""

    target: RoomTarget
    name: str
    topic: str
    expires: float | None
    json: bool


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The room's name.", show_default=False)],
    topic: Annotated[
        str, typer.Option("--topic", metavar="TEXT", help="What the room is about.", show_default=False)
    ] = "",
    expires: Annotated[float | None, duration("--expires", "Close the room after this time: 30m, 24h, 7d …")] = None,
    json: JsonOption = False,
) -> int:
    """Create a room, and print its id. The id is the key: anybody who has it can enter."""
    from chatty.cli.runner import run
    from chatty.protocol import EXPIRES_SECONDS

    env = environment(ctx)
    if expires is not None and not 1 <= expires <= EXPIRES_SECONDS:
        raise usage("--expires: a room closes after one second at the earliest, and after ten years at the latest")
    return run(_create(env, CreateOptions(whole_server(env, at), name, topic, expires, json)))


async def _create(env: Environment, options: CreateOptions) -> int:
    from chatty.cli.credentials import credential
    from chatty.cli.room_list import KnownRoom, known_rooms, remember
    from chatty.protocol import encode

    target, server = options.target, options.target.server
    with advice_on_names("chatty create NAME; a longer description goes into --topic"), about(env, target):
        async with target.http(credential(env, target.profile, server)) as http:
            room = await http.create_room(options.name, topic=options.topic, expires_in=options.expires)
            known = KnownRoom.of(room, server, owner_token=room.owner_token, since=env.now())
            await check_namesakes(env, http, known)
    namesakes: list[KnownRoom] = []
    try:
        namesakes = _open_rooms_named(env, known_rooms(env), room.name)
        remember(env, known)
    except (OSError, Failure) as error:
        env.err(f"warning: the room is not remembered, so it can't be closed from here ({explain(error).message})")
    env.out(encode(room).decode() if options.json else room.id)
    if env.stdout.isatty() and not options.json:
        env.err(f"join it: chatty join {room.id}" + (f" --server {server}" if server != DEFAULT_SERVER else ""))
    if namesakes:
        _warn(env, namesakes, room.name)
    return 0


def _open_rooms_named(env: Environment, rooms: list[KnownRoom], name: str) -> list[KnownRoom]:
    from chatty.cli.room_list import named

    return [known for known in named(rooms, name) if known.is_open(env.now())]


def _warn(env: Environment, namesakes: list[KnownRoom], name: str) -> None:
    """Say that the name alone no longer tells which room is meant, and what does."""
    from chatty.cli.room_list import described
    from chatty.cli.terminal.cleaning import clean

    ids = ", ".join(f"{known.id} ({described(known, env.now())}; {known.server})" for known in namesakes)
    env.err(f'warning: "{clean(name, newlines=False)}" is also the name of {ids}')
    env.err("hint:  call both by their ids, or forget the other one: chatty rooms --forget ID")
