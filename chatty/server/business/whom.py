"""Those whom a ruling is about: who they are, and what they may do."""

from __future__ import annotations

from typing import Final, NamedTuple

from chatty.server.business.access import Action, standing
from chatty.server.business.entries import Rejection, Target
from chatty.server.business.rights import NOBODY, Principal, Rights, Trust
from chatty.server.business.state import Participant, Room, Scope, server_of

ANONYMOUS_IDENTITY: Final = bytes(16)
"""The identity of all who post over HTTP without a key."""

UNKNOWN: Final = Rejection("target_not_found", "Nobody here is called that; `chatty members` lists those with a role.")


class Whom(NamedTuple):
    """Somebody that a ruling is about, as far as the scope knows them. An empty identity: only a name is known."""

    identity: bytes
    name: str
    name_key: str
    skeleton: str = ""


def whom(scope: Scope, target: Target) -> Whom | None:
    """The identity and the name that ``target`` stands for. None if it is nobody that could be told from others."""
    reserved, present, name_key = _called(scope, target)
    identity, name, skeleton = target.identity, target.name, target.skeleton
    if not identity and target.of and isinstance(scope, Room) and target.of in scope.targets:
        identity = scope.targets[target.of].author
        # The author's name may be another one's by now, who has said nothing.
        holder = reserved or present
        if holder is not None and holder.identity != identity:
            name_key = skeleton = ""
    elif not identity and reserved is not None:
        identity = reserved.identity
    elif not identity and present is not None:
        identity, name = present.identity if present.trust >= Trust.KEY else b"", present.name
    if identity == ANONYMOUS_IDENTITY:
        identity = b""
    return Whom(identity, name, name_key, skeleton) if identity or name_key else None


def _called(scope: Scope, target: Target) -> tuple[Principal | None, Participant | None, str]:
    """Whose the name is and who is in the room under it, and its key. If nobody has it, one that looks like it counts:
    people type what they see.
    """
    server, name_key = server_of(scope), target.name_key
    participants = scope.participants if isinstance(scope, Room) else {}
    reserved, present = server.names.get(name_key), participants.get(name_key)
    if reserved is not None or present is not None or not target.skeleton:
        return reserved, present, name_key
    for reserved in server.alike.get(target.skeleton, ()):
        return reserved, participants.get(reserved.name_key), reserved.name_key
    for name_key in scope.alike.get(target.skeleton, ()) if isinstance(scope, Room) else ():
        return None, participants[name_key], name_key
    return None, None, target.name_key


def role_of(scope: Scope, identity: bytes, at: int) -> Rights:
    """The role of somebody that a ruling is about. Where only a name is known, it has none."""
    return standing(scope, Principal(identity, Trust.KEY)).role(at) if identity else NOBODY


def by(who: Principal) -> str:
    """How the audit log calls somebody who ruled."""
    if who.trust is Trust.OPERATOR:
        return "the operator"
    return who.name or f"key {who.identity.hex()[:8]}"


def where(scope: Scope, needed: Action) -> Action:
    """What a ruling needs: on the server all of them are for administrators."""
    return needed if isinstance(scope, Room) else Action.ADMINISTER


def is_missing(scope: Scope) -> bool:
    """Whether ``scope`` is a room that does not exist."""
    return isinstance(scope, Room) and not scope.exists
