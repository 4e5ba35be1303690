"""The rule about those whom somebody else vouches for: a company's sign-in, or a proxy that asks who they are."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from chatty.server.business import entries, facts
from chatty.server.business.access import standing
from chatty.server.business.entries import Rejection
from chatty.server.business.holders import reserving
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import MEMBER, NAME_OF_ROLE, OWNER, SERVER, SIGN_IN, Grant, Rights, Token
from chatty.server.business.state import Scope, Server, server_of

_NO_ROLE: Final = Rejection(
    "not_allowed", "An administrator took your role on this server; ask for it before you sign in again."
)


def sign_in(scope: Scope, entry: entries.SignIn) -> Outcome:
    """Let somebody in who has signed in: under a name that is theirs alone, as a member, with a token for a time.

    A role that an administrator gave or took stays as it is. One that came by a
    sign-in is what this sign-in says.
    """
    server, who, at = server_of(scope), entry.who, entry.at
    if server.tokens.get(entry.id) is not None:
        return Rejection("internal", "A token with this id exists already.")
    called = server.called.get(who.identity)
    if called is not None:
        # Somebody who is called otherwise at the sign-in by now keeps the name that is in every room's history.
        who = replace(who, name=called.name, name_key=called.name_key, skeleton=called.skeleton)
    if standing(server, who).is_banned(at):
        return Rejection("banned", "You are banned from this server.")
    found: list[facts.Fact] = []
    if called is None:
        reserved = reserving(server, who)
        if isinstance(reserved, Rejection):
            return Rejection(
                "name_taken",
                f"The name {who.name!r} is another's here, or looks like it; an administrator decides whose it is.",
            )
        found.append(reserved)
    role = _role(server, entry, is_new=called is None)
    if role is not None:
        found.append(facts.Granted(who.identity, role, 0, who.name, SIGN_IN, SIGN_IN))
    elif not standing(server, who).rights(at):
        return _NO_ROLE
    token = Token(entry.id, who.identity, OWNER, SERVER, entry.expires_at)
    what = f"signed in, with token {entry.id}" + (f", as {NAME_OF_ROLE[role]}" if role is not None else "")
    return (
        *found,
        facts.Issued(token, entry.hash, entry.label, SIGN_IN, at),
        facts.Audited(at, who.name, what, who.name, entry.expires_at, entry.label),
    )


def _role(server: Server, entry: entries.SignIn, *, is_new: bool) -> Rights | None:
    """The role that a sign-in changes the present one to, or None if that stays as it is."""
    wanted = OWNER if entry.admin else MEMBER
    has: Grant | None = server.grants.get(entry.who.identity)
    if has is None:
        return wanted if is_new else None  # somebody who is known and has no role was deprived of it
    return wanted if has.via == SIGN_IN and has.role != wanted else None
