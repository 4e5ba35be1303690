"""Those whom a ruling is about: from what a request says of them to what the rules know."""

from __future__ import annotations

import re
from typing import Final

from chatty.errors import Refused
from chatty.events import Message
from chatty.names import compare_key
from chatty.protocol import decode_frame
from chatty.server.business.entries import Target
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.pipeline.recent_authors import Author, author
from chatty.skeletons import skeleton

IDENTITY: Final = re.compile("[0-9a-f]{32}")


def target(name: str = "", identity: str = "", of: int = 0) -> Target:
    """Somebody by name, by identity, or as the author of a message. Raises Refused for an invalid identity."""
    if identity and not IDENTITY.fullmatch(identity):
        raise Refused("bad_request", "An identity has 32 hexadecimal digits; see the list of members.")
    return Target(name, compare_key(name), bytes.fromhex(identity), of, skeleton(name))


async def target_of(node: Node, room_key: int, name: str, identity: str, of: int) -> tuple[Target, Author | None]:
    """The target, and the author that it is, as far as that is known. Raises Refused if there is no such message."""
    if not of:
        found = target(name, identity)
        return found, author(found.identity, "") if found.identity else None
    wrote, body = await node.fresh(lambda: node.reads.message(room_key, of), lambda found: bool(found[1]))
    message = decode_frame(body) if body else None
    if not isinstance(message, Message):
        raise Refused("message_not_found")
    return target(message.participant, of=of), author(wrote, message.participant)
