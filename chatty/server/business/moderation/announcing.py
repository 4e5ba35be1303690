"""What the members of a room are told of rulings: never an address, an identity or an id."""

from __future__ import annotations

from typing import Any

from chatty.events import Moderated, rfc3339
from chatty.server.business.outcomes import Facts, now_in
from chatty.server.business.rights import Principal
from chatty.server.business.state import Room, Scope


def announced(scope: Scope, who: Principal, at: int, *acts: dict[str, Any], until: int = 0) -> Facts:
    """An event for each of ``acts`` by ``who``, as the next events of the room.

    Nobody is told of what holds on the whole server, and nothing follows the
    last event of a room that is closed.
    """
    if not isinstance(scope, Room) or scope.closed_at:
        return ()
    now, by, end = now_in(scope, at), name_of(scope, who.identity, who.name), rfc3339(until) if until else None
    return tuple(
        Moderated(place, now, by=by, until=end, **act) for place, act in enumerate(acts, scope.last + 1)
    )  # fmt: skip


def name_of(scope: Scope, identity: bytes, name: str = "") -> str:
    """The ``name`` of somebody, or under which they are in the room; empty where neither is known."""
    if name or not identity or not isinstance(scope, Room):
        return name
    return next((one.name for _, one in sorted(scope.participants.items()) if one.identity == identity), "")
