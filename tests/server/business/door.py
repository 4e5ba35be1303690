"""The ways into a room by invitation: to invite to it, and to accept."""

from __future__ import annotations

from typing import Any

from chatty.server.business.entries import Admit, Connect, Invite
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import (
    MEMBER,
    Principal,
)
from chatty.skeletons import skeleton
from tests.server.business.court import (
    AT,
    ROOM,
    Court,
    person,
)

LATER = AT + 60_000
SECRET = b"hash"
HASHED = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"


def invite(court: Court, who: Principal | str, role: int = MEMBER, scope: str = ROOM, **more: Any) -> Outcome:
    by = person(who) if isinstance(who, str) else who
    fields: dict[str, Any] = {"id": "i1", "uses": 1, "until": LATER, "at": AT, "name": ""} | more
    name = fields["name"]
    return court.rule(
        Invite(
            scope,
            fields["at"],
            by,
            fields["id"],
            SECRET,
            role,
            fields["uses"],
            fields["until"],
            name,
            name.lower(),
            skeleton(name),
        )
    )


def accept(court: Court, who: Principal | str, scope: str = ROOM, invitation: str = "i1", at: int = AT) -> Outcome:
    return court.rule(Admit(scope, at, person(who) if isinstance(who, str) else who, invitation))


def enter(court: Court, who: str) -> str:
    return court.do(Connect(ROOM, AT, f"node/1/{who}", person(who)))
