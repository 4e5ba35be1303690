"""The interactive client: one room in a terminal, inline, with a prompt that stays put.

A `conversation` holds it together, and knows no terminal. Frames of the room go
into `incoming`, which keeps the `people`, the `hidden`, what needs `attention`
and a `backlog` of events for the `view`. Lines that are typed go through
`slash_commands`, whose actions ask `message_target` for the message that they are about, to
`outgoing`. A `faces` class shows it all: with a `prompt` for the line being
typed and a `screen`, the one writer to the terminal, or as plain lines. Nothing
heavy is imported before `run` is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatty.cli.environment import Environment

if TYPE_CHECKING:
    from pathlib import Path

    from chatty.cli.join.room.attention import Bell
    from chatty.client.identity import Credential

__all__ = ["run"]


async def run(
    env: Environment,
    *,
    server: str,
    room_id: str,
    name: str,
    key: Credential,
    cacert: Path | None = None,
    plain: bool = False,
    color: bool | None = None,
    bell: Bell = "mention",
    on_closed: Callable[[], None] = lambda: None,
) -> int:
    """Join the room and stay until the person leaves or the room ends. Gives the exit status.

    ``plain`` prints lines only and redraws nothing, as is done in any case for
    a terminal that can't do more. With ``color`` None the environment decides.
    ``bell`` says which messages ring. ``on_closed`` is called if the room is
    over. Raises the client library's errors if joining is refused or the
    server isn't reached at all; after that it reconnects and resumes.
    """
    import asyncio

    from chatty.cli.exits import ExitStatus
    from chatty.cli.join.conversation import Conversation
    from chatty.cli.join.window.faces import Face, Inline, Plain
    from chatty.cli.join.window.log import to_file
    from chatty.cli.join.window.signals import ending
    from chatty.client.http import Http
    from chatty.client.room import join

    http = Http(server, key=key, cacert=cacert)
    plain = plain or env.environ.get("TERM") == "dumb" or not env.stdout.isatty()
    conversation = Conversation(http, room_id, clock=asyncio.get_running_loop().time, bell=bell, plain=plain)
    face: Face = (Plain if plain else Inline)(env, conversation, color=env.color(color))

    def end(status: ExitStatus) -> None:
        if status != ExitStatus.INTERRUPTED or not face.lent:
            conversation.end(status)

    with to_file(env.convenience("join.log")):
        async with (
            http,
            join(
                server, room_id, name=name, key=key, last=50, on_state=conversation.state_changed, cacert=cacert
            ) as room,
        ):
            try:
                with ending(end):
                    return await conversation.run(room, *face.work())
            finally:
                if room.closed:
                    on_closed()
                face.leave_behind([*conversation.take(), *conversation.unsent()])
                await room.close()  # messages that are not acked by now were given up knowingly
