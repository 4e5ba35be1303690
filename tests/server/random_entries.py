"""Random entries of all kinds, for hypothesis: few rooms, people and connections, so that they meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chatty.server.business.connection_ids import connection_id
from chatty.server.business.entries import (
    CloseRoom,
    Connect,
    CorrectTimes,
    CreateRoom,
    Delete,
    Disconnect,
    Edit,
    EndGrace,
    Entry,
    ExpireRoom,
    Forget,
    Post,
    Probe,
    PurgeRoom,
    React,
    Rename,
    SetTopic,
    TrimRoom,
)
from chatty.server.business.nodes import EndNode, Fingerprint, RaiseLevel, StartNode
from chatty.skeletons import skeleton
from tests.server.principals import owning, speaker
from tests.server.rulings import principals, rulings

ROOMS = ["alpha", "beta", "gamma"]
NAMES = ["john", "ada", "bo", "аda"]
"""The last one looks like the second."""
IDENTITIES = [bytes([number]) * 16 for number in range(3)]
NODES, INCARNATIONS = ["here", "there"], ["one", "two"]
CONNECTIONS = [
    connection_id(node, incarnation, number) for node in NODES for incarnation in INCARNATIONS for number in range(2)
]
TIMES = st.integers(1_700_000_000_000, 1_700_000_100_000)


CORRECTIONS = st.builds(CorrectTimes, st.just(""), TIMES, TIMES, st.integers(-100_000, 100_000))
"""In any order with all others: some of what it moves was right."""


def entries() -> st.SearchStrategy[Entry]:
    """Everything but corrections of times."""
    room, name, identity = st.sampled_from(ROOMS), st.sampled_from(NAMES), st.sampled_from(IDENTITIES)
    text, seq = st.text(min_size=1, max_size=20), st.integers(0, 12)
    owner = st.sampled_from([b"a" * 32, b"b" * 32])
    expiry = st.sampled_from([0, 1_700_000_050_000])
    producer, idempotency_key = st.sampled_from(["p", "q"]), st.sampled_from(["r", "s"])
    digest = st.sampled_from([b"1", b"2"])
    return st.one_of(
        st.builds(CreateRoom, room, TIMES, text, text, st.just("epoch"), owner, expiry, principals(name, identity)),
        st.builds(Post, room, TIMES, principals(name, identity), text),
        rulings(room, TIMES, name, identity),
        rulings(room, TIMES, name, identity),
        st.builds(
            lambda r, t, n, i, x, p, k: Post(r, t, speaker(n, i), x, p, k),
            room, TIMES, name, identity, text, producer, st.integers(1, 4),
        ),
        st.builds(
            lambda r, t, n, i, x, k, d: Post(r, t, speaker(n, i), x, idempotency_key=k, digest=d),
            room, TIMES, name, identity, text, idempotency_key, digest,
        ),
        st.builds(Connect, room, TIMES, st.sampled_from(CONNECTIONS), principals(name, identity)),
        _changes(room, name, identity),
        st.builds(Disconnect, room, TIMES, st.sampled_from(CONNECTIONS), st.booleans()),
        st.builds(EndGrace, room, TIMES, name, TIMES),
        st.builds(CloseRoom, room, TIMES, owner.map(owning)),
        st.builds(ExpireRoom, room, TIMES),
        st.builds(PurgeRoom, room, TIMES, TIMES),
        st.builds(TrimRoom, room, TIMES, seq),
        st.builds(StartNode, st.just(""), TIMES, st.sampled_from(NODES), st.sampled_from(INCARNATIONS)),
        st.builds(EndNode, st.just(""), TIMES, st.sampled_from(NODES), st.sampled_from(INCARNATIONS)),
        st.builds(RaiseLevel, st.just(""), TIMES, st.just(1)),
        st.builds(Fingerprint, st.just(""), TIMES, st.just("id")),
        st.builds(Forget, st.just(""), TIMES, TIMES, TIMES, st.just(0) | TIMES),
        st.builds(Probe, st.just(""), TIMES),
    )  # fmt: skip


def _changes(*where: st.SearchStrategy[Any]) -> st.SearchStrategy[Entry]:
    room, name, identity = where
    whose = st.builds(
        lambda r, t, n, i, p: {
            "room": r, "at": t, "who": speaker(n, i), "producer": "p" if p else "", "n": p,
        },
        room, TIMES, name, identity, st.integers(0, 3),
    )  # fmt: skip
    of = st.integers(1, 8)
    return st.one_of(
        st.builds(lambda w, m, x: Edit(**w, of=m, text=x), whose, of, st.text(min_size=1, max_size=20)),
        st.builds(lambda w, m: Delete(**w, of=m), whose, of),
        st.builds(
            lambda w, m, x, gone: React(**w, of=m, reaction=x, remove=gone),
            whose, of, st.sampled_from("ab"), st.booleans(),
        ),
        st.builds(lambda w, x: SetTopic(**w, topic=x), whose, st.text(max_size=5)),
        st.builds(lambda w, n: Rename(**w, new_name=n, new_key=n, new_skeleton=skeleton(n)), whose, name),
    )  # fmt: skip
