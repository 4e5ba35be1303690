"""Chatty: chat rooms for people in terminals and for scripts, where no line is lost.

    import asyncio
    import chatty

    async def main() -> None:
        created = await chatty.create_room("http://127.0.0.1:8080", "deploys")
        async with chatty.join("http://127.0.0.1:8080", created.id, name="bot") as room:
            await room.send("hello")             # returns when the server has stored it
            async for event in room:             # every event once, in order, across reconnects
                print(event)

This is the public face: what is not named here or in the modules that
docs/python.md describes may change. Importing it costs next to nothing: each
name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatty._version import __version__ as __version__
    from chatty.client.asking import Answer as Answer
    from chatty.client.http import Http as Http
    from chatty.client.http import create_room as create_room
    from chatty.client.inbox import Cursor as Cursor
    from chatty.client.inbox import Received as Received
    from chatty.client.room import Room as Room
    from chatty.client.room import join as join
    from chatty.errors import ChattyError as ChattyError
    from chatty.errors import Disconnected as Disconnected
    from chatty.errors import ProtocolError as ProtocolError
    from chatty.errors import Refused as Refused
    from chatty.errors import Unreachable as Unreachable
    from chatty.events import Event as Event
    from chatty.events import Message as Message
    from chatty.events import MessageDeleted as MessageDeleted
    from chatty.events import MessageEdited as MessageEdited
    from chatty.events import ParticipantJoined as ParticipantJoined
    from chatty.events import ParticipantLeft as ParticipantLeft
    from chatty.events import ParticipantRenamed as ParticipantRenamed
    from chatty.events import Reaction as Reaction
    from chatty.events import RoomClosed as RoomClosed
    from chatty.events import StreamPosition as StreamPosition
    from chatty.events import TopicChanged as TopicChanged
    from chatty.protocol import Ack as Ack
    from chatty.protocol import Gap as Gap

_HOMES = {
    "Ack": "chatty.protocol",
    "Answer": "chatty.client.asking",
    "ChattyError": "chatty.errors",
    "Cursor": "chatty.client.inbox",
    "Disconnected": "chatty.errors",
    "Event": "chatty.events",
    "Gap": "chatty.protocol",
    "Http": "chatty.client.http",
    "Message": "chatty.events",
    "MessageDeleted": "chatty.events",
    "MessageEdited": "chatty.events",
    "ParticipantJoined": "chatty.events",
    "ParticipantLeft": "chatty.events",
    "ParticipantRenamed": "chatty.events",
    "ProtocolError": "chatty.errors",
    "Reaction": "chatty.events",
    "Received": "chatty.client.inbox",
    "Refused": "chatty.errors",
    "Room": "chatty.client.room",
    "RoomClosed": "chatty.events",
    "StreamPosition": "chatty.events",
    "TopicChanged": "chatty.events",
    "Unreachable": "chatty.errors",
    "__version__": "chatty._version",
    "create_room": "chatty.client.http",
    "join": "chatty.client.room",
}

__all__ = [
    "Ack",
    "Answer",
    "ChattyError",
    "Cursor",
    "Disconnected",
    "Event",
    "Gap",
    "Http",
    "Message",
    "MessageDeleted",
    "MessageEdited",
    "ParticipantJoined",
    "ParticipantLeft",
    "ParticipantRenamed",
    "ProtocolError",
    "Reaction",
    "Received",
    "Refused",
    "Room",
    "RoomClosed",
    "StreamPosition",
    "TopicChanged",
    "Unreachable",
    "__version__",
    "create_room",
    "join",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
