"""Rulings in all their kinds, for hypothesis: few people and tokens, so that they meet."""

from __future__ import annotations

from hypothesis import strategies as st

from chatty.server.business.entries import (
    Admit,
    DeleteMessages,
    Entry,
    Grant,
    Invite,
    Issue,
    Kick,
    Lift,
    Restrict,
    Revoke,
    SetPolicy,
    SignIn,
    Target,
    Uninvite,
)
from chatty.server.business.rights import OPERATOR, OWNER, POST, ROLES, SERVER, Principal, Trust
from chatty.skeletons import skeleton

TOKENS = ("t1", "t2", "t3")
INVITATIONS = ("i1", "i2", "i3")
PASSWORDS = ("", "$argon2id$1", "$argon2id$2")
ADDRESSES = ("", "192.0.2.1", "192.0.2.2")


def principals(names: st.SearchStrategy[str], identities: st.SearchStrategy[bytes]) -> st.SearchStrategy[Principal]:
    """Speakers with and without a key, with a token, and from some addresses."""
    return st.builds(
        lambda name, identity, trust, token, address: Principal(
            identity, Trust.VERIFIED if token else trust, name, name.casefold(), token, address, skeleton(name)
        ),
        names, identities, st.sampled_from([Trust.NONE, Trust.WEAK, Trust.KEY, Trust.KEY]),
        st.sampled_from(["", "", "", *TOKENS]), st.sampled_from(ADDRESSES),
    )  # fmt: skip


def rulings(
    rooms: st.SearchStrategy[str],
    times: st.SearchStrategy[int],
    names: st.SearchStrategy[str],
    identities: st.SearchStrategy[bytes],
) -> st.SearchStrategy[Entry]:
    """Rulings in rooms and on the server, most of them by those who may."""
    scope = rooms | st.just(SERVER)
    who = st.just(OPERATOR) | st.just(OPERATOR) | principals(names, identities)
    role, until = st.sampled_from(list(ROLES.values())), st.just(0) | times
    target = st.builds(
        lambda name, identity, of: Target(name, name.casefold(), identity, of, skeleton(name)),
        names | st.just(""), st.just(b"") | identities, st.sampled_from([0, 0, 1, 2]),
    )  # fmt: skip
    rights, ids, token = st.sampled_from([OWNER, POST]), st.sampled_from(["r1", "r2", "r3"]), st.sampled_from(TOKENS)
    invitation = st.sampled_from(INVITATIONS)
    addresses = st.sampled_from([(), ("192.0.2.1",)])
    flag = st.none() | st.booleans()
    slow, numbers = st.sampled_from([0, 5_000, 30_000]), st.lists(st.integers(0, 8), max_size=4).map(tuple)
    authors = st.lists(st.tuples(identities, names | st.just("")), max_size=2).map(tuple)
    return st.one_of(
        st.builds(
            lambda r, t, w, i, cap, name, identity, given, end: Issue(
                r, t, w, i, i.encode(), cap, name, name.casefold(), identity, given, end, skeleton=skeleton(name)
            ),
            scope, times, who, token, role, names | st.just(""), identities, role, until,
        ),
        st.builds(
            lambda t, name, identity, address, i, admin, end: SignIn(
                SERVER, t, Principal(identity, Trust.VERIFIED, name, name.casefold(), "", address, skeleton(name)),
                i, i.encode(), admin, end,
            ),
            times, names, identities, st.sampled_from(ADDRESSES), token, st.booleans(), until,
        ),
        st.builds(Revoke, st.just(SERVER), times, who, token),
        st.builds(Grant, scope, times, who, target, role, until),
        st.builds(
            SetPolicy, scope, times, who, st.none() | role, flag, st.none() | role, slow | st.none(),
            st.none() | st.sampled_from(PASSWORDS),
        ),
        st.builds(SetPolicy, rooms, times, st.just(OPERATOR), slow=slow),
        st.builds(Kick, rooms, times, who, target),
        st.builds(Restrict, scope, times, who, ids, target, rights, until, addresses, until, st.just(""), authors),
        st.builds(DeleteMessages, scope, times, who, numbers, st.just("spam"), st.booleans()),
        st.builds(Lift, scope, times, who, ids),
        st.builds(
            lambda r, t, w, i, given, uses, end, name: Invite(
                r, t, w, i, i.encode(), given, uses, end, name, name.casefold(), skeleton(name)
            ),
            scope, times, who, invitation, role, st.integers(1, 2), until, names | st.just(""),
        ),
        st.builds(Uninvite, scope, times, who, invitation, st.booleans()),
        st.builds(Admit, scope, times, principals(names, identities), invitation, st.just("")),
        st.builds(Admit, scope, times, principals(names, identities), st.just(""), st.sampled_from(PASSWORDS)),
    )  # fmt: skip
