"""The output of ``chatty serve`` when it is ready: where the server is, and how to join its named rooms."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chatty.errors import Refused
from chatty.protocol import PORT, NewRoom
from chatty.server.platform.network.addresses import is_loopback
from chatty.server.platform.network.rooms import RoomHandlers
from chatty.server.platform.pipeline.node import Node
from chatty.server.structured_logging import Notices


class NamedRoom(NamedTuple):
    """A room that ``--room`` names. ``owner_token`` is its owner's if the room was created just now."""

    id: str
    name: str
    server: str
    owner_token: str | None


Remember = Callable[[NamedRoom], str]
"""Remembers a room for the person who runs the server, so that commands find it by name; says why if it can't."""


async def announce(node: Node, origin: str, names: Sequence[str], remember: Remember, notices: Notices) -> None:
    """Print where the server is and what to do next, and create the rooms of these names unless they exist."""
    data = str(node.settings.data)
    notices.say(f"chatty listens on {origin}, and keeps everything in {data}", address=origin, data=data)
    if not is_loopback(node.settings.host):
        notices.say("everybody who can reach this address may use the server (--access open)", level="warning")
    near = origin.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    server = "" if near == f"http://127.0.0.1:{PORT}" else f" --server {near}"
    for name in map(str.strip, names):
        try:
            room = await _named(node, name, near)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            notices.say(
                f"the room {name!r} is not created, because nothing can be stored at the moment", level="warning"
            )
            continue
        forgotten = remember(room)
        if forgotten:
            why = f"room {name!r} is not remembered, so it can't be closed ({forgotten})"
            notices.say(why, level="warning")
        if forgotten or notices.are_for_a_person:
            notices.say(f"join {name!r}:  chatty join {room.id}{server}")
        else:
            # The id is the key to the room, and this may be a journal.
            by_name = f"chatty join {shlex.quote(name)}{server}"
            notices.say(f"join {name!r}:  {by_name}  (its id, for others: chatty rooms)")
    if not names:
        notices.say(f"next, in another terminal:  chatty create general{server}  and  chatty join general{server}")


async def _named(node: Node, name: str, server: str) -> NamedRoom:
    known = await node.reads.lasting_room(name)
    if known is not None:
        return NamedRoom(known, name, server, None)
    created = await RoomHandlers(node).create_room(NewRoom(name))
    return NamedRoom(created.id, name, server, created.owner_token)
