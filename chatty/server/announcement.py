"""The output of ``chatty serve`` when it is ready: where the server is, and how to join its named rooms."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from chatty.errors import Refused
from chatty.protocol import PORT, NewRoom
from chatty.server.business.rights import OPERATOR, READ
from chatty.server.origins import known_as
from chatty.server.platform.network.addresses import is_loopback
from chatty.server.platform.network.rooms import RoomHandlers
from chatty.server.platform.pipeline.node import Node
from chatty.server.served_rooms import ServedRooms
from chatty.server.structured_logging import Notices


class NamedRoom(NamedTuple):
    """A room that ``--room`` names. ``owner_token`` lets its holder close the room, if it is known."""

    id: str
    name: str
    server: str
    owner_token: str | None


class RoomList(Protocol):
    """The rooms that the person who runs the server knows."""

    def owner_token(self, room_id: str) -> str | None:
        """The token of a room's owner, if that is this person."""

    def remember(self, room: NamedRoom) -> str:
        """Keep a room, so that this person's commands find it by its name. Gives the reason if that isn't possible."""

    def rooms_at(self, server: str) -> list[str]:
        """The ids of the rooms that this person knows at a server's address."""

    def note_gone(self, room_id: str, server: str) -> None:
        """This room no longer exists, so another one may have its name."""


async def announce(node: Node, origin: str, names: Sequence[str], known: RoomList, notices: Notices) -> None:
    """Print where the server is and what to do next, and create the rooms of these names unless they exist."""
    near = known_as(origin, node.settings.allowed_host)
    for room_id in known.rooms_at(near):  # before a word is said: one who reads it may use a name at once
        if await node.reads.room(room_id) is None:
            known.note_gone(room_id, near)
    data = str(node.settings.data)
    notices.say(f"chatty listens on {origin}, and keeps everything in {data}", address=origin, data=data)
    is_open = bool((await node.reads.standing(OPERATOR)).server_rules.everyone & READ)
    if not is_loopback(node.settings.host):
        _warn(node, origin, notices, is_open=is_open)
    server = "" if near == f"http://127.0.0.1:{PORT}" else f" --server {near}"
    served = ServedRooms(node.settings.data) if names else None
    for name in map(str.strip, names):
        assert served is not None
        try:
            room = await _named(node, name, near, served, known, notices)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            notices.say(
                f"the room {name!r} is not created, because nothing can be stored at the moment", level="warning"
            )
            continue
        forgotten = known.remember(room)
        if forgotten:
            why = f"room {name!r} is not remembered, so it can't be closed ({forgotten})"
            notices.say(why, level="warning")
        if forgotten or notices.are_for_a_person:
            notices.say(f"join {name!r}:  chatty join {room.id}{server}")
        else:
            # The id is the key to the room, and this may be a journal.
            by_name = f"chatty join {shlex.quote(name)}{server}"
            notices.say(f"join {name!r}:  {by_name}  (its id, for others: chatty rooms)")
    if not is_open and not await node.reads.access.has_administrator():
        notices.say(
            f"next, on this machine:  chatty token create --admin --name YOUR-NAME --data {shlex.quote(data)}"
            f"  and, on yours:  chatty login {near}"
        )
    elif is_open and not names and not await node.reads.has_rooms():
        notices.say(f"next, in another terminal:  chatty create general{server}  and  chatty join general{server}")


def _warn(node: Node, origin: str, notices: Notices, *, is_open: bool) -> None:
    """Say what those on other machines can do to this server, or to those who use it."""
    if is_open:
        notices.say("everybody who can reach this address may use the server (--access open)", level="warning")
    elif origin.startswith("http:") and not node.settings.trusted_proxy:
        why = "use --tls-cert, or a proxy that does it"
        notices.say(f"tokens travel to this address without encryption ({why})", level="warning")


async def _named(
    node: Node, name: str, server: str, served: ServedRooms, known: RoomList, notices: Notices
) -> NamedRoom:
    """This server's own room of that name; a new one if there is none."""

    def note(room_id: str, token: str | None) -> None:
        try:
            served.add(room_id, token)
        except OSError as error:
            notices.say(f"cannot note that {name!r} is this server's own room ({error.strerror})", level="warning")

    room_id = ""
    if node.shared_room is not None:
        room_id, exists = await _shared(node, name, node.shared_room)
        if exists:
            return NamedRoom(room_id, name, server, served.owner_token(room_id) or known.owner_token(room_id))
    there = await node.reads.lasting_rooms(name)
    own = next((room_id for room_id in there if room_id in served or known.owner_token(room_id)), None)
    if own is None and served.unknown and len(there) == 1:
        (own,) = there
        why = "the data of an earlier version, or of a backup, doesn't say whose it is"
        notices.say(f"the room {name!r} is taken for this server's own ({why})", level="warning")
    if own is not None:
        token = served.owner_token(own) or known.owner_token(own)
        note(own, token)
        return NamedRoom(own, name, server, token)
    # It is noted first: after a crash in between, a room without a note would look like somebody else's.
    try:
        created = await RoomHandlers(node).create_room(NewRoom(name), OPERATOR, note=note, room_id=room_id)
    except Refused:
        if not room_id or await node.reads.room(room_id) is None:
            raise
        return NamedRoom(room_id, name, server, None)  # another node has been faster
    if there:
        notices.say(f"somebody else's room is called {name!r}, too; this one is new", level="warning")
    return NamedRoom(created.id, name, server, created.owner_token)


async def _shared(node: Node, name: str, id_of: Callable[[str, int], str]) -> tuple[str, bool]:
    """The id of the cluster's room of that name, and whether it exists. After one that was closed, another follows."""
    await node.log.barrier()
    for number in itertools.count():
        room_id = id_of(name, number)
        view = await node.reads.room(room_id)
        if view is None or not view.info.closed_at:
            return room_id, view is not None
    raise AssertionError  # there is always one more
