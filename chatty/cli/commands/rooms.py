"""``chatty rooms``: the rooms that this user created or joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from chatty.cli.environment import Environment
from chatty.cli.failures import usage
from chatty.cli.options import JsonOption, environment, known_room_names

if TYPE_CHECKING:
    from chatty.cli.room_list import KnownRoom

EXAMPLES: Final = (
    "chatty rooms",
    """chatty rooms --json | grep '"owned":true'""",
    "chatty rooms --forget standup",
)


def command(
    ctx: typer.Context,
    all: Annotated[bool, typer.Option("--all", help="Also list rooms that are closed or gone.")] = False,
    forget: Annotated[
        str | None,
        typer.Option(
            "--forget",
            metavar="ROOM",
            help="Remove a room from the list, by its id or name.",
            autocompletion=known_room_names,
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """List the rooms that you created or joined.

    Each line has a room's name, id, server and dates, the latest room last. No
    server is asked.
    """
    from chatty.cli.room_list import described, known_rooms, listing, open_rooms
    from chatty.cli.terminal.cleaning import clean

    env = environment(ctx)
    if forget is not None:
        _forget(env, forget)
        return 0
    rooms = known_rooms(env) if all else open_rooms(env)
    if json:
        for room in rooms:
            env.out(listing(room))
        return 0
    names = [clean(room.name, newlines=False).replace("\t", " ") for room in rooms]
    width = max(map(len, names), default=0) if env.stdout.isatty() else 0
    for name, room in zip(names, rooms, strict=True):
        env.out(f"{name:{width}}\t{room.id}\t{room.server}\t{described(room, env.now())}")
    return 0


def _forget(env: Environment, name: str) -> None:
    from chatty.cli.room_list import forget, known_rooms

    rooms = known_rooms(env)
    room = _meant(env, rooms, name)
    forget(env, room)
    if room.owner_token and room.is_open(env.now()):
        env.err("note:  you created this room, and it is still open; it can't be closed from here any more")


def _meant(env: Environment, rooms: list[KnownRoom], name: str) -> KnownRoom:
    """The room that ``name`` means, open or not."""
    from chatty.cli.room_list import named
    from chatty.cli.targets import several

    found = [room for room in rooms if room.id == name] or named(rooms, name)
    if not found:
        raise usage(f'no room "{name}" in the list', "see: chatty rooms --all")
    if len(found) > 1:
        raise several(env, found, name)
    return found[0]
