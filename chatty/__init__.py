"""Chatty: chat rooms for people in terminals and for scripts, where no line is lost.

    import asyncio
    import chatty

    async def main() -> None:
        created = await chatty.create_room("http://127.0.0.1:8080", "deploys")
        async with chatty.join("http://127.0.0.1:8080", created.id, name="bot") as room:
            await room.send("hello")             # returns when the server has stored it
            async for event in room:             # every event once, in order, across reconnects
                print(event)

This is the public face: anything that is named neither here nor in docs/python.md
may change. Importing it costs next to nothing: each name is loaded when it is
first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from chatty._version import __version__ as __version__
    from chatty.client.asking import Answer as Answer
    from chatty.client.http import Http as Http
    from chatty.client.http import create_room as create_room
    from chatty.client.identity import TokenFile as TokenFile
    from chatty.client.inbox import Received as Received
    from chatty.client.journal.file import JournalError as JournalError
    from chatty.client.journal.file import free_journal as free_journal
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
    from chatty.events import Moderated as Moderated
    from chatty.events import ParticipantJoined as ParticipantJoined
    from chatty.events import ParticipantLeft as ParticipantLeft
    from chatty.events import ParticipantRenamed as ParticipantRenamed
    from chatty.events import Reaction as Reaction
    from chatty.events import RoomClosed as RoomClosed
    from chatty.events import StreamPosition as StreamPosition
    from chatty.events import TopicChanged as TopicChanged
    from chatty.protocol import Ack as Ack
    from chatty.protocol import Gap as Gap

_HOMES: Final = {
    name: module
    for module, names in {
        "chatty._version": ["__version__"],
        "chatty.client.asking": ["Answer"],
        "chatty.client.http": ["Http", "create_room"],
        "chatty.client.identity": ["TokenFile"],
        "chatty.client.inbox": ["Received"],
        "chatty.client.journal.file": ["JournalError", "free_journal"],
        "chatty.client.room": ["Room", "join"],
        "chatty.errors": ["ChattyError", "Disconnected", "ProtocolError", "Refused", "Unreachable"],
        "chatty.events": [
            "Event",
            "Message",
            "MessageDeleted",
            "MessageEdited",
            "Moderated",
            "ParticipantJoined",
            "ParticipantLeft",
            "ParticipantRenamed",
            "Reaction",
            "RoomClosed",
            "StreamPosition",
            "TopicChanged",
        ],
        "chatty.protocol": ["Ack", "Gap"],
    }.items()
    for name in names
}
"""Where each public name lives. Type checkers read the imports above instead, and a test compares the two."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
