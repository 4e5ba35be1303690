"""Those who ask, as tests need them."""

from __future__ import annotations

from chatty.server.business.rights import Principal, Trust
from chatty.skeletons import skeleton

NOBODY = Principal(bytes(16))
"""Somebody without a key."""


def speaker(name: str, identity: bytes, trust: Trust = Trust.KEY) -> Principal:
    """Somebody who speaks under a name."""
    return Principal(identity, trust, name, name.casefold(), skeleton=skeleton(name))


def owning(owner: bytes) -> Principal:
    """Somebody who shows the owner token with this hash."""
    return Principal(owner[:16], Trust.KEY)
