"""Entries in all their kinds, for hypothesis: few ids of each sort, so that they meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chatty.server.business.connection_ids import connection_id
from chatty.server.business.entries import (
    Change,
    CloseRoom,
    Connect,
    Delete,
    Disconnect,
    Edit,
    EndGrace,
    Entry,
    ExpireRoom,
    Post,
    React,
    Rename,
    SetTopic,
    TrimRoom,
)
from chatty.server.business.nodes import StartNode
from chatty.server.business.rights import Trust
from chatty.skeletons import skeleton
from tests.server.principals import owning, speaker

ROOMS = ("room-a", "room-b", "room-c")
NODE = "node"
OWNER = b"o" * 32

rooms = st.sampled_from(ROOMS)
times = st.integers(1_700_000_000_000, 1_700_000_000_020)
names = st.sampled_from(["Ada", "ada", "Аda", "Bob", "Ćäß"])
identities = st.sampled_from([b"i" * 16, b"j" * 16])
connections = st.builds(
    connection_id, st.sampled_from([NODE, "other"]), st.sampled_from(["1", "2"]), st.integers(1, 4)
)  # fmt: skip
trusts = st.sampled_from([Trust.NONE, Trust.KEY])
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@st.composite
def connects(draw: st.DrawFn) -> Connect:
    name = draw(names)
    return Connect(
        draw(rooms),
        draw(times),
        draw(connections),
        speaker(name, draw(identities), draw(trusts)),
    )


@st.composite
def posts(draw: st.DrawFn) -> Post:
    name, text = draw(names), draw(texts)
    producer, n = draw(st.one_of(st.just(("", 0)), st.tuples(st.sampled_from("pq"), st.integers(1, 4))))
    return Post(
        draw(rooms), draw(times), speaker(name, draw(identities)), text, producer, n,
        draw(st.sampled_from(["", "", "key", "other key"])), draw(st.sampled_from([b"1" * 16, b"2" * 16])),
    )  # fmt: skip


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Changes of messages that may exist or not. Only the store loads them, so here none is found."""
    name, new = draw(names), draw(names)
    producer, n = draw(st.one_of(st.just(("", 0)), st.tuples(st.sampled_from("pq"), st.integers(1, 4))))
    whose: dict[str, Any] = {
        "room": draw(rooms), "at": draw(times), "who": speaker(name, draw(identities)), "producer": producer, "n": n,
    }  # fmt: skip
    made: list[Change] = [
        Edit(**whose, of=draw(st.integers(1, 12)), text=draw(texts)),
        Delete(**whose, of=draw(st.integers(1, 12))),
        React(**whose, of=draw(st.integers(1, 12)), reaction=draw(st.sampled_from("ab")), remove=draw(st.booleans())),
        SetTopic(**whose, topic=draw(texts)),
        Rename(**whose, new_name=new, new_key=new.casefold(), new_skeleton=skeleton(new)),
    ]
    return draw(st.sampled_from(made))


room_entries: st.SearchStrategy[Entry] = st.one_of(
    connects(),
    connects(),
    st.builds(Disconnect, rooms, times, connections, st.booleans()),
    posts(),
    posts(),
    changes(),
    st.builds(EndGrace, rooms, times, names.map(str.casefold), times),
    st.builds(CloseRoom, rooms, times, st.sampled_from([owning(OWNER), owning(b"x" * 32)])),
    st.builds(ExpireRoom, rooms, times),
    st.builds(TrimRoom, rooms, times, st.integers(1, 12)),
    st.builds(StartNode, st.just(""), times, st.just(NODE), st.sampled_from(["1", "2"])),
)
"""Every entry that a room may get from its creation until it is forgotten."""
