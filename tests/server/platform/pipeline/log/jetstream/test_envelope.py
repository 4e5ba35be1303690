"""Envelopes: each takes effect once and in its order, whatever a network does to them, and strangers can send none."""

from __future__ import annotations

import enum
import random
import textwrap
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, StructMeta
from msgspec.structs import fields

from chatty.server.business.entries import Entry, Post, Probe
from chatty.server.business.nodes import LEVEL, LEVEL_OF, StartNode
from chatty.server.platform.pipeline.log.jetstream.envelope import (
    VERSION,
    Envelope,
    admitted,
    decode_entries,
    encode_entry,
    joined,
    kinds_of_entries,
    link,
    seal,
    unseal,
)
from chatty.server.platform.store.ledger import Incarnation
from tests.server.principals import speaker
from tests.server.random_entries import CORRECTIONS, entries

KEY = b"k" * 32
NOTHING = joined([])


def envelope(node: str, incarnation: str, n: int, after: str = "") -> Envelope:
    return Envelope(VERSION, node, incarnation, n, 0, after, NOTHING)


def effect_of(messages: list[Envelope]) -> list[Envelope]:
    """Those that take effect."""
    nodes: dict[str, Incarnation] = {}
    heeded = []
    for message in messages:
        node = admitted(nodes, message)
        if node is not None:
            nodes[message.node] = node
            heeded.append(message)
    return heeded


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6)), max_size=60))
def test_of_one_incarnation_each_takes_effect_at_most_once_and_in_its_order(came: list[tuple[str, int]]) -> None:
    heeded = effect_of([envelope(node, f"{node}1", n) for node, n in came])
    for node in "ab":
        numbers = [one.n for one in heeded if one.node == node]
        assert numbers == list(range(1, len(numbers) + 1))


@given(st.integers(1, 8), st.randoms(use_true_random=False), st.integers(1, 30))
def test_sent_again_until_all_have_come_back_they_all_take_effect_once(
    most: int, chance: random.Random, times: int
) -> None:
    sent = [envelope("a", "a1", n) for n in range(1, most + 1)]
    came: list[Envelope] = []
    for _ in range(times):
        copies = chance.sample(sent, chance.randint(0, most))  # lost, and overtaken
        came += copies
    came += [message for _ in sent for message in reversed(sent)]  # and in the worst order as often as there are any
    assert effect_of(came) == sent


@given(st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), st.integers(1, 4)), max_size=60))
def test_nothing_of_an_incarnation_takes_effect_after_the_next_has_begun(came: list[tuple[str, int]]) -> None:
    after = {"one": "", "two": "one", "three": "two"}
    heeded = effect_of([envelope("a", incarnation, n, after[incarnation]) for incarnation, n in came])
    order = [one.incarnation for one in heeded]
    assert order == sorted(order, key=list(after).index)


def test_of_two_that_want_to_replace_the_same_incarnation_the_first_does() -> None:
    nodes = {"a": Incarnation("old", 7)}
    first = admitted(nodes, envelope("a", "left", 1, "old"))
    assert first == Incarnation("left", 1)
    assert admitted({"a": first}, envelope("a", "right", 1, "old")) is None
    assert admitted({"a": first}, envelope("a", "left", 1, "old")) is None  # sent twice


def test_an_incarnation_that_the_others_have_ended_says_nothing_more_but_may_be_followed() -> None:
    nodes = {"a": Incarnation("old", 7, ended=True)}
    assert admitted(nodes, envelope("a", "old", 8)) is None
    assert admitted(nodes, envelope("a", "new", 1, "old")) == Incarnation("new", 1)


@given(st.binary(max_size=200))
def test_what_a_stranger_sends_is_nothing(message: bytes) -> None:
    assert unseal(KEY, message) is None


@given(st.integers(0, 500), st.integers(1, 255))
def test_a_message_of_which_one_byte_differs_is_nothing(place: int, change: int) -> None:
    sealed = bytearray(seal(KEY, envelope("a", "one", 1)))
    assert unseal(KEY, bytes(sealed)) == envelope("a", "one", 1)
    assert unseal(b"x" * 32, bytes(sealed)) is None
    sealed[place % len(sealed)] ^= change
    assert unseal(KEY, bytes(sealed)) is None


@given(st.lists(entries() | CORRECTIONS, max_size=20))
def test_entries_arrive_as_they_were_sent(sent: list[Entry]) -> None:
    wrapped = Envelope(VERSION, "a", "one", 1, 5, "", joined(list(map(encode_entry, sent))))
    came = unseal(KEY, seal(KEY, wrapped))
    assert came is not None
    assert decode_entries(came) == sent


def test_an_entry_that_no_node_could_read_is_refused_before_it_is_sent() -> None:
    """It would stop all of them: nobody checks the types of a struct that is made in the process itself."""
    with pytest.raises(ValueError, match="int"):
        encode_entry(Post("room", "now", speaker("Ada", b"a" * 16), "text"))  # type: ignore[arg-type]


def test_the_chain_depends_on_all_that_was_noted_and_where() -> None:
    links = {link(chain, position, noted) for chain in (b"", b"x") for position in (1, 2) for noted in (b"", b"y")}
    assert len(links) == 8


def test_every_entry_says_its_level_and_none_is_above_that_of_this_version() -> None:
    assert set(LEVEL_OF) <= set(kinds_of_entries())
    assert all(1 < level <= LEVEL for level in LEVEL_OF.values())
    assert max([1, *LEVEL_OF.values()]) == LEVEL


def test_the_wire_of_entries_has_only_grown_with_a_level() -> None:
    """Nodes of two versions share a log. Did this fail? Then nodes of the version before can't read what you send.

    A new kind of entry, a new field, and every change of what an entry leads to need a new level: raise LEVEL in
    chatty/server/business/nodes.py, name the kind in LEVEL_OF, and only then write down here what is on the wire.
    """
    wire = sorted(wire_of(*kinds_of_entries()).items())
    lines = [line for kind, held in wire for line in textwrap.wrap(f"{kind}: {held}", 110, subsequent_indent="    ")]
    assert (LEVEL, lines) == (1, WIRE.strip().splitlines())


def wire_of(*kinds: type[Struct]) -> dict[str, str]:
    """The fields of these kinds and of what they hold, with their types; ``=`` for those that may be left out."""
    found: dict[str, str] = {}
    for kind in kinds:
        found[kind.__name__] = " ".join(
            f"{field.encode_name}{':' if field.required else '='}{_named(field.type)}" for field in fields(kind)
        )
        held = {type_ for field in fields(kind) for type_ in (field.type, *get_args(field.type))}
        found |= wire_of(*(type_ for type_ in held if isinstance(type_, type) and issubclass(type_, Struct)))
    return found


def _named(type_: Any) -> str:
    return type_.__name__ if type(type_) is type or isinstance(type_, enum.EnumMeta | StructMeta) else str(type_)


def test_a_probe_and_a_beginning_are_small() -> None:
    """Each costs every node a message and a commit."""
    assert len(seal(KEY, envelope("a" * 16, "i" * 16, 1 << 40, "j" * 16))) < 100
    assert len(encode_entry(Probe("", 1 << 41)) + encode_entry(StartNode("", 1 << 41, "a", "i" * 16))) < 150


WIRE = """
Admit: room:str at:int who:Principal invitation=str password=str
CloseRoom: room:str at:int who:Principal
Connect: room:str at:int connection:str who:Principal most=int
CorrectTimes: room:str at:int since:int by:int
CreateRoom: room:str at:int name:str topic:str epoch:str owner:bytes expires_at=int creator=Principal
Delete: room:str at:int of:int who:Principal producer=str n=int connection=str
DeleteMessages: room:str at:int who:Principal of:tuple[int, ...] reason=str is_first=bool
Disconnect: room:str at:int connection:str clean:bool
Edit: room:str at:int of:int text:str who:Principal producer=str n=int connection=str
EndGrace: room:str at:int name_key:str away:int
EndNode: room:str at:int node:str incarnation:str
ExpireRoom: room:str at:int
Fingerprint: room:str at:int id:str
Forget: room:str at:int producers_before:int idempotency_keys_before:int rights_before=int
Grant: room:str at:int who:Principal whom:Target role:int until=int
Invite: room:str at:int who:Principal id:str hash:bytes role:int uses:int until:int name=str name_key=str
    skeleton=str
Issue: room:str at:int who:Principal id:str hash:bytes cap:int name=str name_key=str identity=bytes role=int
    expires_at=int label=str skeleton=str
Kick: room:str at:int who:Principal whom:Target reason=str
Lift: room:str at:int who:Principal id:str
Post: room:str at:int who:Principal text:str producer=str n=int idempotency_key=str digest=bytes reply_to=int
    action=bool connection=str automatic=int
Principal: identity:bytes trust=Trust name=str name_key=str token=str address=str skeleton=str
Probe: room:str at:int
PurgeRoom: room:str at:int closed_by:int
RaiseLevel: room:str at:int level:int
React: room:str at:int of:int reaction:str remove=bool who:Principal producer=str n=int connection=str
Rename: room:str at:int new_name:str new_key:str new_skeleton=str who:Principal producer=str n=int
    connection=str
Restrict: room:str at:int who:Principal id:str whom:Target rights:int until=int addresses=tuple[str, ...]
    addresses_until=int reason=str authors=tuple[tuple[bytes, str], ...]
Revoke: room:str at:int who:Principal id:str
SetPolicy: room:str at:int who:Principal everyone=int | None locked=bool | None topic=int | None slow=int |
    None password=str | None
SetTopic: room:str at:int topic:str who:Principal producer=str n=int connection=str
SignIn: room:str at:int who:Principal id:str hash:bytes admin:bool expires_at:int label=str
StartNode: room:str at:int node:str incarnation:str
Target: name=str name_key=str identity=bytes of=int skeleton=str
TrimRoom: room:str at:int first:int
Uninvite: room:str at:int who:Principal id:str members=bool
"""
