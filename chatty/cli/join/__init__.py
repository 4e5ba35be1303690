"""The interactive client: one room in a terminal, inline, with a prompt that stays put.

``view``, ``status``, ``commands``, ``backlog``, ``people``, ``hidden``,
``attention``, ``completion`` and ``paste`` are pure. ``conversation`` ties them
to the client library and ``actions`` is what commands do; neither knows a
terminal. ``screen`` is the one writer, ``prompt`` the line being typed,
``editor`` the person's own, ``faces`` what a conversation is shown in. Nothing heavy is imported before
`run` is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatty.cli.environment import Environment

if TYPE_CHECKING:
    from pathlib import Path

    from chatty.cli.join.attention import Bell

__all__ = ["run"]


async def run(
    env: Environment,
    *,
    server: str,
    room_id: str,
    name: str,
    key: str,
    cacert: Path | None = None,
    plain: bool = False,
    color: bool | None = None,
    bell: Bell = "mention",
    on_closed: Callable[[], None] = lambda: None,
) -> int:
    """Join the room and stay until the person leaves or the room ends; the exit status.

    ``plain``: lines only, no prompt that is redrawn; a terminal that can't do
    more gets that anyway. ``color`` None: as the environment says. ``bell``:
    what it rings for. ``on_closed`` is called if the room is over. Raises what
    the client library raises when joining is refused or the server can't be reached at all; after that it reconnects
    and resumes.
    """
    import asyncio

    from chatty.cli.exits import ExitStatus
    from chatty.cli.join.conversation import Conversation
    from chatty.cli.join.faces import Face, Inline, Plain
    from chatty.cli.join.log import to_file
    from chatty.cli.join.signals import ending
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
                await room.close()  # what is not acked by now was given up, knowingly
