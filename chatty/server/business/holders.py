"""Whose a name is in every room: reserved names, and those that look like them."""

from __future__ import annotations

from chatty.server.business.entries import Rejection
from chatty.server.business.facts import Reserved
from chatty.server.business.rights import Principal, Trust
from chatty.server.business.state import Server


def is_holder(server: Server, who: Principal) -> bool:
    """Whether the name of ``who`` is its own in every room."""
    holder = server.names.get(who.name_key)
    return holder is not None and holder.identity == who.identity


def is_verified(server: Server, who: Principal) -> bool:
    """Whether ``who`` speaks under a name that is its own in every room, with a credential that nobody guesses."""
    return bool(server.names) and who.trust >= Trust.KEY and is_holder(server, who)


def anothers(server: Server, who: Principal) -> Rejection | None:
    """Why ``who`` may not be called as it is, if the name, or one that looks like it, is another's in every room."""
    holder = server.names.get(who.name_key)
    if holder is not None:
        if holder.identity == who.identity:
            return None
        return Rejection("name_taken", f"The name {who.name!r} is reserved for somebody else; choose another one.")
    for one in server.alike.get(who.skeleton, ()):
        if one.identity != who.identity:
            text = f"The name {who.name!r} looks like {one.name!r}, which is reserved for somebody else"
            return Rejection("name_taken", f"{text}; choose another one.")
    return None


def reserving(server: Server, who: Principal) -> Reserved | Rejection:
    """The fact that makes the name of ``who`` its own, or why it can't be."""
    return anothers(server, who) or Reserved(who.name_key, who.name, who.identity, who.skeleton)
