"""A room in a server where rulings are made, without a store: everybody's rows are in memory."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from chatty.server.business import rights
from chatty.server.business.entries import Connect, Entry, Grant, Rejection, Restrict, Ruling, Target
from chatty.server.business.facts import Audited
from chatty.server.business.outcomes import Facts, Outcome
from chatty.server.business.rights import OPERATOR, ROLES, Access, Principal, Restriction, Rights, Token, Trust
from chatty.server.business.room import decide
from chatty.server.business.rulings import rule
from chatty.server.business.state import SERVER_FACTS, Room, Scope, Server, TargetMessage, evolve
from chatty.skeletons import skeleton
from tests.server.principals import speaker

ROOM: Final = "room-a"
AT: Final = 1_700_000_000_000
ANONYMOUS: Final = Principal(bytes(16))
OWNER_TOKEN: Final = b"o" * 32


def ident(name: str) -> bytes:
    """The identity of somebody's key."""
    return name.casefold().encode().ljust(16, b".")


def person(name: str, trust: Trust = Trust.KEY, **more: Any) -> Principal:
    """Somebody with a key."""
    return replace(speaker(name, ident(name), trust), **more)


def called(name: str) -> Target:
    """Somebody by name."""
    return Target(name, name.casefold(), skeleton=skeleton(name))


def by_identity(name: str) -> Target:
    return Target(identity=ident(name))


def giving(by: str, whom: Target | str, role: Rights, scope: str = ROOM, until: int = 0) -> Grant:
    """Somebody gives a role to somebody, who is called by name or known by identity."""
    who = OPERATOR if by == "operator" else person(by)
    return Grant(scope, AT, who, by_identity(whom) if isinstance(whom, str) else whom, role, until)


def banning(by: str, whom: Target, taken: Rights = rights.OWNER, ruling: str = "r1") -> Restrict:
    """Somebody bans somebody, or mutes them."""
    return Restrict(ROOM, AT, person(by), ruling, whom, taken)


class Court:
    """An open room on an open server, with somebody of each role, called as that role is."""

    def __init__(self, everyone: Rights = rights.MEMBER) -> None:
        self.server = Server(access=rights.canonical(Access(everyone)))
        self.room = Room(1, ROOM, owner=OWNER_TOKEN, exists=True, server=self.server)
        for role, given in ROLES.items():
            self.room.grants[ident(role)] = rights.Grant(given)
        self.server.grants[ident("admin")] = rights.Grant(rights.OWNER)

    def rule(self, entry: Ruling) -> Outcome:
        """What ``entry`` leads to, which has happened then."""
        scope: Scope = self.room if entry.room else self.server
        outcome = rule(scope, entry)
        if isinstance(outcome, tuple):
            self.apply(scope, outcome)
        return outcome

    def apply(self, scope: Scope, facts: Facts) -> None:
        for fact in facts:
            evolve(self.server if type(fact) in SERVER_FACTS else scope, fact)

    def do(self, entry: Entry) -> str:
        """The code with which ``entry`` is refused in the room, or an empty string."""
        outcome = decide(self.room, entry)
        if isinstance(outcome, tuple):
            self.apply(self.room, outcome)
        return outcome.code if isinstance(outcome, Rejection) else ""

    def enter(self, *people: Principal) -> None:
        for who in people:
            assert self.do(Connect(ROOM, AT, f"node/1/{who.name}", who)) == ""

    def wrote(self, number: int, author: bytes) -> None:
        """The room has a message of this author."""
        self.room.targets[number] = TargetMessage(None, author)  # type: ignore[arg-type] # nobody reads it

    def token(self, identity: bytes, **limits: Any) -> Token:
        token = Token("t1", identity, **limits)
        self.server.tokens[token.id] = token
        return token

    @property
    def restrictions(self) -> tuple[Restriction, ...]:
        return self.room.access.restrictions


def by_invitation() -> Court:
    """A court whose room is for nobody who wasn't given a role."""
    court = Court()
    court.room.access = Access(rights.NOBODY)
    return court


def code(outcome: Outcome) -> str:
    """The code of a refusal, or an empty string."""
    return outcome.code if isinstance(outcome, Rejection) else ""


def audited(outcome: Outcome) -> Audited:
    """The last fact of an accepted ruling: its entry in the audit log."""
    assert isinstance(outcome, tuple)
    assert isinstance(outcome[-1], Audited)
    return outcome[-1]
