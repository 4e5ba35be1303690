"""The rules about rights: how tokens, grants, policies and restrictions come about.

``rule(scope, entry)`` gives the facts that a ruling leads to, as ``decide`` does
for other entries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from chatty.server.business import entries
from chatty.server.business.access import standing
from chatty.server.business.granting import grant, set_policy
from chatty.server.business.inviting import admit, invite, uninvite
from chatty.server.business.issuing import issue, revoke
from chatty.server.business.moderation.deleting import delete_messages
from chatty.server.business.moderation.restricting import kick, lift, restrict
from chatty.server.business.outcomes import Outcome
from chatty.server.business.signing_in import sign_in
from chatty.server.business.state import Scope
from chatty.server.business.whom import is_missing


def rule(scope: Scope, entry: entries.Ruling) -> Outcome:
    """The outcome of ``entry`` in ``scope``: facts in order, or a refusal."""
    if is_missing(scope) and type(entry) not in _WITHOUT_A_ROOM:
        return standing(scope, entry.who).nothing_here()
    return _RULE[type(entry)](scope, entry)


_WITHOUT_A_ROOM: Final = (entries.Issue, entries.Admit)
"""Their answers must not depend on what there is: tokens for others, and what lets somebody in."""

_RULE: Final[dict[type[entries.Ruling], Callable[[Scope, Any], Outcome]]] = {
    entries.Issue: issue,
    entries.SignIn: sign_in,
    entries.Revoke: revoke,
    entries.Grant: grant,
    entries.SetPolicy: set_policy,
    entries.Kick: kick,
    entries.Restrict: restrict,
    entries.Lift: lift,
    entries.Invite: invite,
    entries.Uninvite: uninvite,
    entries.Admit: admit,
    entries.DeleteMessages: delete_messages,
}
