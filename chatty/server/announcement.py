"""What ``chatty serve`` prints when it is ready: where the server is, and how to join the rooms that it was given."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple, TextIO

from chatty.errors import Refused
from chatty.protocol import PORT, NewRoom
from chatty.server.platform.network.addresses import is_loopback
from chatty.server.platform.network.rooms import RoomHandlers
from chatty.server.platform.pipeline.node import Node


class NamedRoom(NamedTuple):
    """A room that ``--room`` names. ``owner_token`` is its owner's if the room was created just now."""

    id: str
    name: str
    server: str
    owner_token: str | None


Remember = Callable[[NamedRoom], bool]
"""Keeps a room for the person who runs the server; says whether that person's commands find it by its name."""


async def announce(node: Node, origin: str, names: Sequence[str], remember: Remember, out: TextIO) -> None:
    """Print where the server is and what to do next, and create the rooms of these names unless they exist."""
    lines = [f"chatty listens on {origin}, and keeps everything in {node.settings.data}"]
    if not is_loopback(node.settings.host):
        lines.append("warning: open to everybody who reaches this address (--access open)")
    near = origin.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    server = "" if near == f"http://127.0.0.1:{PORT}" else f" --server {near}"
    for name in map(str.strip, names):
        try:
            room = await _named(node, name, near)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            lines.append(f"warning: the room {name!r} is not created, because nothing can be stored at the moment")
            continue
        if remember(room) and not out.isatty():
            # The id is the key to the room, and this may be a journal.
            lines.append(f"join {name!r}:  chatty join {shlex.quote(name)}{server}  (its id, for others: chatty rooms)")
        else:
            lines.append(f"join {name!r}:  chatty join {room.id}{server}")
    if not names:
        lines.append(f"next, in another terminal:  chatty create general{server}  and  chatty join general{server}")
    with contextlib.suppress(OSError, ValueError):  # a full disk, or a reader that is gone
        out.write("\n".join(lines) + "\n")
        out.flush()


async def _named(node: Node, name: str, server: str) -> NamedRoom:
    known = await node.reads.lasting_room(name)
    if known is not None:
        return NamedRoom(known, name, server, None)
    created = await RoomHandlers(node).create_room(NewRoom(name))
    return NamedRoom(created.id, name, server, created.owner_token)
