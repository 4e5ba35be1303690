"""The rules of a room: plain ones as plain tests, the rest as a machine that tries everything."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chatty.events import (
    Event,
    Message,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    RoomClosed,
    rfc3339,
)
from chatty.server.business.connection_ids import is_from, is_of_incarnation
from chatty.server.business.entries import (
    Change,
    CloseRoom,
    Connect,
    CreateRoom,
    Disconnect,
    Duplicate,
    EndGrace,
    Entry,
    ExpireRoom,
    Post,
    PurgeRoom,
    Rejection,
    TrimRoom,
)
from chatty.server.business.facts import Purged, Trimmed
from chatty.server.business.nodes import StartNode
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import Trust
from chatty.server.business.room import decide
from chatty.server.business.state import Room, evolve
from tests.server.entries import room_entries
from tests.server.principals import owning, speaker

ROOM = "room-a"
AT = 1_700_000_000_000
OWNER = b"o" * 32
JOHN, ADA = b"j" * 16, b"a" * 16


class Place:
    """A room and its events."""

    def __init__(self) -> None:
        self.room = Room(1, ROOM)
        self.events: list[Event] = []
        self.now = AT
        self.do(CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER))

    def do(self, entry: Entry) -> Outcome:
        outcome = decide(self.room, entry)
        if isinstance(outcome, tuple):
            for fact in outcome:
                evolve(self.room, fact)
                if isinstance(fact, Event):
                    self.events.append(fact)
        return outcome

    def connect(self, connection: str, name: str = "John", identity: bytes = JOHN, trust: Trust = Trust.KEY) -> Outcome:
        return self.do(Connect(ROOM, self.now, connection, speaker(name, identity, trust)))

    def disconnect(self, connection: str, clean: bool = False) -> Outcome:
        return self.do(Disconnect(ROOM, self.now, connection, clean))

    def post(self, text: str, name: str = "John", identity: bytes = JOHN, **more: Any) -> Outcome:
        return self.do(Post(ROOM, self.now, speaker(name, identity), text, **more))

    @property
    def happened(self) -> list[str]:
        """The events as members see them, in short."""
        return [
            " ".join(str(word) for word in (event.__struct_config__.tag, getattr(event, "participant", ""),
                                            getattr(event, "text", ""), getattr(event, "reason", "")) if word)
            for event in self.events
        ]  # fmt: skip


@pytest.fixture
def place() -> Place:
    return Place()


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejection)
    return outcome.code


# --- presence -----------------------------------------------------------------------------------------------


def test_a_participant_joins_with_its_first_connection_and_leaves_with_its_last(place: Place) -> None:
    place.connect("n/1/1")
    place.connect("n/1/2")
    place.disconnect("n/1/1", clean=True)
    assert place.happened == ["participant_joined John"]
    place.disconnect("n/1/2", clean=True)
    assert place.happened == ["participant_joined John", "participant_left John left"]


def test_a_name_is_held_by_one_identity_at_a_time(place: Place) -> None:
    place.connect("n/1/1")
    assert code(place.connect("n/1/2", "JOHN", ADA)) == "name_taken"
    assert code(place.post("it is me", "john", ADA)) == "name_taken"
    place.disconnect("n/1/1", clean=True)
    assert isinstance(place.connect("n/1/2", "JOHN", ADA), tuple)


def test_one_identity_may_be_several_participants(place: Place) -> None:
    place.connect("n/1/1", "John")
    place.connect("n/1/2", "Ada")
    assert place.happened == ["participant_joined John", "participant_joined Ada"]


def test_a_lost_participant_keeps_its_name_and_comes_back_without_an_event(place: Place) -> None:
    place.connect("n/1/1")
    place.disconnect("n/1/1")
    assert code(place.connect("n/1/2", identity=ADA)) == "name_taken"
    place.connect("n/1/3")
    assert place.happened == ["participant_joined John"]


def test_a_participant_that_is_not_resumable_leaves_at_once(place: Place) -> None:
    place.connect("n/1/1", trust=Trust.NONE)
    place.disconnect("n/1/1")
    assert place.happened == ["participant_joined John", "participant_left John lost"]


def test_whose_time_to_come_back_is_over_has_left(place: Place) -> None:
    place.connect("n/1/1")
    place.disconnect("n/1/1")
    place.do(EndGrace(ROOM, AT + 15_000, "john", AT))
    assert place.happened == ["participant_joined John", "participant_left John lost"]


def test_the_end_of_an_older_absence_changes_nothing(place: Place) -> None:
    place.connect("n/1/1")
    place.disconnect("n/1/1")
    place.connect("n/1/2")
    assert place.do(EndGrace(ROOM, AT + 15_000, "john", AT)) == ()
    place.now += 1_000
    place.disconnect("n/1/2")
    assert place.do(EndGrace(ROOM, AT + 15_000, "john", AT)) == ()
    assert place.happened == ["participant_joined John"]


def test_a_new_life_of_the_node_leaves_no_ghosts(place: Place) -> None:
    place.connect("n/1/1", "John")
    place.connect("n/1/2", "Ada", ADA, trust=Trust.NONE)
    place.connect("n/1/3", "Bob", b"b" * 16)
    place.connect("other/1/1", "Bob", b"b" * 16)
    place.do(StartNode("", AT, "n", "2"))
    assert place.happened[3:] == ["participant_left Ada lost"]
    assert place.room.participants["john"].away == AT
    assert place.room.participants["bob"].away == 0
    assert place.do(StartNode("", AT, "n", "2")) == ()


def test_participants_that_leave_at_once_have_numbers_of_their_own(place: Place) -> None:
    for number, name in enumerate(("Ada", "Bob", "Zoe")):
        place.connect(f"n/1/{number}", name, name.encode(), trust=Trust.NONE)
    place.do(StartNode("", AT, "n", "2"))
    assert [event.seq for event in place.events] == [1, 2, 3, 4, 5, 6]
    assert place.happened[3:] == [f"participant_left {name} lost" for name in ("Ada", "Bob", "Zoe")]


def test_a_connection_enters_once(place: Place) -> None:
    place.connect("n/1/1")
    assert code(place.connect("n/1/1", "Ada")) == "internal"
    assert place.happened == ["participant_joined John"]


# --- messages -----------------------------------------------------------------------------------------------


def test_a_producers_numbers_are_accepted_in_order_and_once(place: Place) -> None:
    assert isinstance(place.post("one", producer="p", n=1), tuple)
    assert place.post("one", producer="p", n=1) == Duplicate()
    assert code(place.post("three", producer="p", n=3)) == "out_of_order"
    assert isinstance(place.post("two", producer="p", n=2), tuple)
    assert isinstance(place.post("one", producer="q", n=1), tuple)
    assert isinstance(place.post("one", "Ada", ADA, producer="p", n=1), tuple)
    assert place.happened == ["message John one", "message John two", "message John one", "message Ada one"]


def test_a_refused_message_uses_up_no_number(place: Place) -> None:
    place.connect("n/1/1", "Ada", ADA)
    assert code(place.post("one", "Ada", producer="p", n=1)) == "name_taken"
    assert isinstance(place.post("one", "John", producer="p", n=1), tuple)


def test_an_idempotency_key_stores_once_and_names_the_event(place: Place) -> None:
    place.post("before")
    place.post("once", idempotency_key="key", digest=b"1")
    assert place.post("once", idempotency_key="key", digest=b"1") == Duplicate(2)
    assert code(place.post("twice", idempotency_key="key", digest=b"2")) == "idempotency_conflict"
    assert isinstance(place.post("once", "Ada", ADA, idempotency_key="key", digest=b"2"), tuple)


def test_an_accepted_request_is_answered_again_even_after_the_rooms_end(place: Place) -> None:
    place.post("one", producer="p", n=1)
    place.post("once", idempotency_key="key", digest=b"1")
    place.do(CloseRoom(ROOM, AT, owning(OWNER)))
    assert place.post("one", producer="p", n=1) == Duplicate()
    assert place.post("once", idempotency_key="key", digest=b"1") == Duplicate(2)
    assert code(place.post("two", producer="p", n=2)) == "room_closed"


# --- the room's own life ------------------------------------------------------------------------------------


def test_only_the_owner_ends_a_room_and_once(place: Place) -> None:
    assert code(place.do(CloseRoom(ROOM, AT, owning(b"x" * 32)))) == "not_allowed"
    place.do(CloseRoom(ROOM, AT, owning(OWNER)))
    assert code(place.do(CloseRoom(ROOM, AT, owning(OWNER)))) == "room_closed"
    assert code(place.connect("n/1/1")) == "room_closed"
    assert place.happened == ["room_closed"]


def test_nobody_is_in_a_room_that_has_ended_and_nobody_leaves_it(place: Place) -> None:
    place.connect("n/1/1")
    place.do(CloseRoom(ROOM, AT, owning(OWNER)))
    assert place.disconnect("n/1/1") == ()
    assert place.room.participants == {}
    assert place.happened == ["participant_joined John", "room_closed"]


def test_a_room_expires_at_its_time_and_not_before() -> None:
    place = Place()
    place.room = Room(1, ROOM)
    place.do(CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER, AT + 60_000))
    assert place.do(ExpireRoom(ROOM, AT + 59_999)) == ()
    place.now = AT + 59_999
    place.post("in time")
    place.now = AT + 60_000
    assert code(place.post("too late")) == code(place.connect("node/1/1")) == "room_closed"
    place.do(ExpireRoom(ROOM, AT + 60_000))
    assert place.do(ExpireRoom(ROOM, AT + 60_001)) == ()
    assert place.happened == ["message John in time", "room_closed"]


def test_a_room_without_an_end_never_expires(place: Place) -> None:
    assert place.do(ExpireRoom(ROOM, AT * 2)) == ()


def test_only_a_room_that_was_closed_long_enough_is_forgotten(place: Place) -> None:
    assert place.do(PurgeRoom(ROOM, AT, AT)) == ()
    place.do(CloseRoom(ROOM, AT, owning(OWNER)))
    assert place.do(PurgeRoom(ROOM, AT, AT - 1)) == ()
    assert place.do(PurgeRoom(ROOM, AT, AT)) == (Purged(),)
    assert code(place.post("anybody?")) == "room_not_found"


def test_forgetting_moves_forward_only_and_not_past_the_end(place: Place) -> None:
    for _ in range(5):
        place.post("x")
    assert place.do(TrimRoom(ROOM, AT, 3)) == (Trimmed(3),)
    assert place.do(TrimRoom(ROOM, AT, 2)) == ()
    assert place.do(TrimRoom(ROOM, AT, 100)) == (Trimmed(6),)
    place.post("next")
    assert place.events[-1].seq == 6


def test_a_rooms_time_never_runs_backwards(place: Place) -> None:
    place.post("late")
    place.now -= 60_000
    place.post("by a clock that was set back")
    assert [event.at for event in place.events] == [rfc3339(AT)] * 2


def test_a_room_that_does_not_exist_accepts_nothing() -> None:
    room = Room(0, ROOM)
    assert code(decide(room, Post(ROOM, AT, speaker("John", JOHN), "text"))) == "room_not_found"
    assert code(decide(room, PurgeRoom(ROOM, AT, AT))) == "room_not_found"


# --- everything else ----------------------------------------------------------------------------------------


class Life(RuleBasedStateMachine):
    """Anything at all happens to one room; a model beside it keeps the little that must be true."""

    @initialize()
    def begin(self) -> None:
        self.room = Room(1, ROOM)
        self.events: list[Event] = []
        self.connected: dict[str, str] = {}
        self.inside: set[str] = set()
        self.accepted: dict[tuple[bytes, str], int] = {}
        self.apply(CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER))

    def apply(self, entry: Entry) -> Outcome:
        before = copy.deepcopy(self.room)
        outcome = decide(self.room, entry)
        assert self.room == before, "decide changed something"
        if not isinstance(outcome, tuple):
            return outcome
        for fact in outcome:
            evolve(self.room, fact)
            if isinstance(fact, Event):
                self.see(fact)
        return outcome

    def see(self, event: Event) -> None:
        if self.events:
            assert event.seq == self.events[-1].seq + 1
            assert event.at >= self.events[-1].at
            assert not isinstance(self.events[-1], RoomClosed), "something followed the room's end"
        else:
            assert event.seq == 1
        self.events.append(event)
        if isinstance(event, ParticipantJoined):
            assert event.participant.casefold() not in self.inside, "joined twice"
            self.inside.add(event.participant.casefold())
        elif isinstance(event, ParticipantLeft):
            assert event.participant.casefold() in self.inside, "left without having joined"
            self.inside.remove(event.participant.casefold())
        elif isinstance(event, ParticipantRenamed):
            old, new = event.participant.casefold(), event.name.casefold()
            self.inside.remove(old)
            assert new not in self.inside, "renamed to somebody who is here"
            self.inside.add(new)
            for connection, name_key in self.connected.items():
                if name_key == old:
                    self.connected[connection] = new
        elif isinstance(event, RoomClosed):
            self.inside.clear()
            self.connected.clear()

    @rule(entry=room_entries)
    def anything(self, entry: Entry) -> None:
        producers = dict(self.accepted)
        outcome = self.apply(entry)
        if not isinstance(outcome, tuple):
            return
        if isinstance(entry, Connect):
            self.connected[entry.connection] = entry.who.name_key
        elif isinstance(entry, Disconnect):
            self.connected.pop(entry.connection, None)
        elif isinstance(entry, StartNode):
            for connection in list(self.connected):
                if is_from(connection, entry.node) and not is_of_incarnation(connection, entry.node, entry.incarnation):
                    del self.connected[connection]
        elif isinstance(entry, Post | Change):
            assert isinstance(entry, Change) or any(isinstance(fact, Message) for fact in outcome)
            if entry.n:
                key = (entry.who.identity, entry.producer)
                assert entry.n == producers.get(key, 0) + 1, "a producer's number was skipped or came twice"
                self.accepted[key] = entry.n

    @rule(entry=st.one_of(room_entries, st.just(PurgeRoom(ROOM, AT, AT * 2))), data=st.data())
    def evolving_is_total(self, entry: Entry, data: st.DataObject) -> None:
        """Facts of another room's life, in any order, raise nothing."""
        other = copy.deepcopy(self.room)
        outcome = decide(copy.deepcopy(self.room), entry)
        if isinstance(outcome, tuple):
            for fact in data.draw(st.permutations(outcome)):
                evolve(other, fact)
                evolve(Room(2, "another"), fact)

    @invariant()
    def participants_are_exactly_those_who_are_connected_or_away(self) -> None:
        if not hasattr(self, "room"):
            return
        assert set(self.room.participants) == self.inside
        assert self.room.connections == self.connected
        for name_key, participant in self.room.participants.items():
            assert participant.connections == {c for c, key in self.connected.items() if key == name_key}
            assert bool(participant.away) == (not participant.connections)
            assert participant.resumable or not participant.away

    @invariant()
    def the_room_knows_its_last_event(self) -> None:
        if getattr(self, "events", None):
            assert (self.room.last, self.room.at) == (self.events[-1].seq, self.events[-1].at)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
