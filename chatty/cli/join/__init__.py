"""The interactive client: rooms in a terminal, inline, with a prompt that stays put.

A `conversation` is one person in one room, and knows no terminal. Frames of the room
go into `incoming`, which keeps the `people`, the `hidden`, what needs `attention`
and a `backlog` of events for the `view`. Lines that are typed go through
`slash_commands`, whose actions ask `message_target` for the message that they are
about, to `outgoing`. The `rooms` that are open are conversations, of which one is in
front. A `faces` class shows it: with a `prompt` for the line being typed and a
`screen`, the one writer to the terminal, or as plain lines. Nothing heavy is imported
before `run` is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chatty.cli.environment import Environment

if TYPE_CHECKING:
    from chatty.cli.join.rooms.entrance import Door, Entrance
    from chatty.cli.join.rooms.open_rooms import OpenRooms
    from chatty.cli.join.rooms.places import Places
    from chatty.cli.join.settings.preferences import Sources

__all__ = ["run"]


async def run(
    env: Environment,
    entrances: Sequence[Entrance],
    door: Door,
    places: Places,
    sources: Sources,
    *,
    plain: bool = False,
    again: bool = False,
) -> int:
    """Be in some rooms, the first of them in front, until the person leaves or the last one ends.

    Gives the exit status. Of rooms that were open before and are to be so ``again``, those that refuse are told of and
    left out, unless all do. ``door`` finds the way into further rooms, and ``places`` remembers how far each was read.
    Settings come from ``sources``. ``plain`` prints lines only and redraws nothing, as is done in any case for a
    terminal that can't do more. Raises the client library's errors if entering is refused or the server isn't reached
    at all; after that it reconnects and resumes.
    """
    import asyncio

    from chatty.cli.exits import ExitStatus
    from chatty.cli.join.rooms.open_rooms import OpenRooms
    from chatty.cli.join.window.faces import Face, Inline, Plain
    from chatty.cli.join.window.log import to_file
    from chatty.cli.join.window.signals import ending

    plain = plain or env.environ.get("TERM") == "dumb" or not env.stdout.isatty()
    rooms = OpenRooms(env, door, places, sources=sources, plain=plain)
    with to_file(env.convenience("join.log")):
        try:
            await _enter(rooms, entrances, places, again=again)
            face: Face = (Plain if plain else Inline)(env, rooms)

            def end(status: ExitStatus) -> None:
                if status != ExitStatus.INTERRUPTED or not face.lent:
                    rooms.end(status)

            try:
                with ending(end):
                    return await rooms.run(*face.work())
            finally:
                face.leave_behind([*rooms.take(last=True), *rooms.unsent()])
        finally:
            await asyncio.shield(rooms.close())


async def _enter(rooms: OpenRooms, entrances: Sequence[Entrance], places: Places, *, again: bool) -> None:
    from chatty.cli.failures import Failure
    from chatty.cli.join.rendering.view import failure as line
    from chatty.cli.join.rooms.attempts import Attempts
    from chatty.cli.join.rooms.places import OpenedRoom
    from chatty.errors import ChattyError

    distinct = [one for at, one in enumerate(entrances) if not any(map(one.leads_to, entrances[:at]))]
    attempts = Attempts(places, len(distinct), again=again)
    found = await rooms.enter_first(distinct)
    for entrance, one in zip(distinct, found, strict=True):
        if isinstance(one, ChattyError | Failure):
            room = OpenedRoom(entrance.target.server, entrance.target.room_id, entrance.chosen)
            rooms.show(line(attempts.refused(room, entrance.room_name, one)))
        elif isinstance(one, BaseException):
            raise one
    if all(isinstance(one, BaseException) for one in found):
        attempts.none_entered()
