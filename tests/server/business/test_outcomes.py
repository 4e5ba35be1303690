"""What each entry leads to, to the last field: its facts in order, or its refusal with the text that a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from chatty.digests import NOTHING_SAID, chained
from chatty.events import Message, ParticipantJoined, ParticipantLeft, RoomClosed, rfc3339
from chatty.server.business.entries import (
    CloseRoom,
    Connect,
    CorrectTimes,
    CreateRoom,
    Delete,
    Disconnect,
    Duplicate,
    Edit,
    EndGrace,
    Entry,
    ExpireRoom,
    Post,
    PurgeRoom,
    React,
    Rejection,
    Rename,
    TrimRoom,
)
from chatty.server.business.facts import (
    Amended,
    Closed,
    Connected,
    Created,
    Departed,
    Disconnected,
    IdempotencyKeyUsed,
    Produced,
    Purged,
    Retimed,
    Trimmed,
    WentAway,
)
from chatty.server.business.nodes import StartNode
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import Trust
from chatty.server.business.room import decide
from chatty.server.business.state import Participant, Room, TargetMessage
from tests.server.principals import owning, speaker

ROOM = "room-a"
AT = 1_700_000_000_000
NOW = rfc3339(AT)
OWNER = b"o" * 32
ADA, BOB, EVE = b"a" * 16, b"b" * 16, b"e" * 16


@pytest.fixture
def room() -> Room:
    """Ada said the events 7 and 8, and is here by one connection; Bob is here by two, and can't come back."""
    here = Room(1, ROOM, owner=OWNER, exists=True, first=5, last=8, at=rfc3339(AT - 1), settled_at="settled")
    here.participants = {
        "ada": Participant("Ada", ADA, Trust.KEY, {"n/1/1"}, skeleton="ada"),
        "bob": Participant("Bob", BOB, Trust.NONE, {"n/1/2", "m/1/2"}, skeleton="bob"),
    }
    here.alike = {"ada": ("ada",), "bob": ("bob",)}
    here.connections = {"n/1/1": "ada", "n/1/2": "bob", "m/1/2": "bob"}
    here.producers = {(ADA, "p"): Produced(ADA, "p", 2, AT, chained(b"one", "send\n0\n0\ntwo"), b"one")}
    here.idempotency_keys = {(ADA, "key"): (b"1", 7)}
    here.targets = {7: TargetMessage(Message(7, NOW, "Ada", "hello"), ADA)}
    return here


def post(text: str, identity: bytes = ADA, **more: Any) -> Post:
    return Post(ROOM, AT, speaker("Ada", identity), text, **more)


def by(name: str, identity: bytes) -> Any:
    return {"room": ROOM, "at": AT, "who": speaker(name, identity)}


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        (CloseRoom(ROOM, AT, owning(OWNER)), (RoomClosed(9, NOW), Closed(AT))),
        (CloseRoom(ROOM, AT, owning(b"x" * 32)), Rejection("not_allowed")),
        (TrimRoom(ROOM, AT, 5), ()),
        (TrimRoom(ROOM, AT, 6), (Trimmed(6),)),
        (TrimRoom(ROOM, AT, 10), (Trimmed(9),)),
        (PurgeRoom(ROOM, AT, AT), ()),
        (ExpireRoom(ROOM, AT), ()),
        (CorrectTimes(ROOM, AT, 3, -4), (Retimed(3, -4, "settled", AT),)),
    ],
    ids=repr,
)
def test_what_happens_to_a_room(room: Room, entry: Entry, outcome: Outcome) -> None:
    assert decide(room, entry) == outcome


def test_a_room_is_made_once(room: Room) -> None:
    entry = CreateRoom("room-b", AT, "B", "talk", "epoch", OWNER, AT + 9)
    assert decide(Room(2, "room-b"), entry) == (Created("room-b", "B", "talk", "epoch", OWNER, AT, AT + 9),)
    assert decide(room, entry) == Rejection("internal", "A room with this id exists already.")


def test_a_room_is_forgotten_that_was_closed_long_ago(room: Room) -> None:
    room.closed_at = 1
    assert decide(room, PurgeRoom(ROOM, AT, 0)) == ()
    assert decide(room, PurgeRoom(ROOM, AT, 1)) == (Purged(),)


@pytest.mark.parametrize("over", [{"closed_at": 1}, {"expires_at": 1}, {"expires_at": AT}])
def test_nothing_is_said_in_a_room_that_is_over(room: Room, over: dict[str, int]) -> None:
    for name, value in over.items():
        setattr(room, name, value)
    assert decide(room, post("late")) == Rejection("room_closed")
    assert decide(room, Delete(**by("Ada", ADA), of=7)) == Rejection("room_closed")
    assert decide(room, Connect(ROOM, AT, "n/1/9", speaker("Ada", ADA))) == Rejection("room_closed")


@pytest.mark.parametrize(("expires_at", "closed_at", "ends"), [(AT + 1, 0, False), (AT, 0, True), (AT, 1, False)])
def test_a_room_ends_when_its_time_has_run_out(room: Room, expires_at: int, closed_at: int, ends: bool) -> None:
    room.expires_at, room.closed_at = expires_at, closed_at
    assert decide(room, ExpireRoom(ROOM, AT)) == ((RoomClosed(9, NOW), Closed(AT)) if ends else ())


SOMEBODY_ELSE = Rejection("name_taken", "Somebody else holds the name 'Ada' here; choose another one.")


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        (
            Connect(ROOM, AT, "n/1/9", speaker("Eve", EVE, Trust.NONE)),
            (ParticipantJoined(9, NOW, "Eve"), Connected("n/1/9", speaker("Eve", EVE, Trust.NONE))),
        ),
        (Connect(ROOM, AT, "n/1/9", speaker("ADA", ADA)), (Connected("n/1/9", speaker("Ada", ADA)),)),
        (Connect(ROOM, AT, "n/1/9", speaker("Ada", EVE)), SOMEBODY_ELSE),
        (
            Connect(ROOM, AT, "n/1/1", speaker("Ada", ADA)),
            Rejection("internal", "This connection is in the room already."),
        ),
        (Disconnect(ROOM, AT, "n/1/9", True), ()),
        (Disconnect(ROOM, AT, "n/1/2", True), (Disconnected("bob", "n/1/2"),)),
        (Disconnect(ROOM, AT, "n/1/1", False), (Disconnected("ada", "n/1/1"), WentAway("ada", AT))),
        (
            Disconnect(ROOM, AT, "n/1/1", True),
            (Disconnected("ada", "n/1/1"), ParticipantLeft(9, NOW, "Ada", "left"), Departed("ada")),
        ),
        (StartNode("", AT, "n", "1"), ()),
        (
            StartNode("", AT, "n", "2"),
            (Disconnected("ada", "n/1/1"), WentAway("ada", AT), Disconnected("bob", "n/1/2")),
        ),
        (EndGrace(ROOM, AT, "ada", 0), ()),
        (EndGrace(ROOM, AT, "eve", 0), ()),
    ],
    ids=repr,
)
def test_who_comes_and_who_goes(room: Room, entry: Entry, outcome: Outcome) -> None:
    assert decide(room, entry) == outcome


def test_a_participant_that_has_nothing_to_come_back_with_is_lost_with_its_last_connection(room: Room) -> None:
    bob = room.participants["bob"]
    bob.connections = {"n/1/2"}
    left = (ParticipantLeft(9, NOW, "Bob", "lost"), Departed("bob"))
    assert decide(room, Disconnect(ROOM, AT, "n/1/2", False)) == (Disconnected("bob", "n/1/2"), *left)
    room.participants = {"bob": bob, "ada": Participant("Ada", ADA, Trust.NONE, {"n/1/1"})}  # in the order of names
    assert decide(room, StartNode("", AT, "n", "2")) == (
        Disconnected("ada", "n/1/1"),
        ParticipantLeft(9, NOW, "Ada", "lost"),
        Departed("ada"),
        Disconnected("bob", "n/1/2"),
        ParticipantLeft(10, NOW, "Bob", "lost"),
        Departed("bob"),
    )


def test_whoever_has_been_away_too_long_has_left(room: Room) -> None:
    room.participants["ada"].away = 1
    assert decide(room, EndGrace(ROOM, AT, "ada", 2)) == ()
    assert decide(room, EndGrace(ROOM, AT, "ada", 1)) == (ParticipantLeft(9, NOW, "Ada", "lost"), Departed("ada"))


MESSAGE = Message(9, NOW, "Ada", "hi")
FIRST = chained(NOTHING_SAID, "send\n0\n0\nhi")


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        (post("hi"), (MESSAGE,)),
        (post("hi", reply_to=7, action=True), (Message(9, NOW, "Ada", "hi", 7, True),)),
        (post("hi", reply_to=6), Rejection("message_not_found")),
        (post("hi", EVE), SOMEBODY_ELSE),
        (post("hi", EVE, connection="n/1/1"), (MESSAGE,)),
        (post("hi", producer="q", n=1), (MESSAGE, Produced(ADA, "q", 1, AT, FIRST, NOTHING_SAID))),
        (post("hi", producer="q", n=2), Rejection("out_of_order", "The next number is 1, not 2.")),
        (post("hi", producer="p", n=4), Rejection("out_of_order", "The next number is 3, not 4.")),
        (post("two", producer="p", n=2), Duplicate()),
        (post("any", producer="p", n=1), Duplicate()),
        (
            post("hi", producer="p", n=2),
            Rejection("idempotency_conflict", "Number 2 of this producer was another message."),
        ),
        (
            post("hi", idempotency_key="new", digest=b"2"),
            (MESSAGE, IdempotencyKeyUsed(ADA, "new", b"2", 9, AT)),
        ),
        (post("hi", idempotency_key="key", digest=b"1"), Duplicate(7)),
        (post("hi", idempotency_key="key", digest=b"2"), Rejection("idempotency_conflict")),
        # A number is enough to tell a repetition; the key beside it is not looked at.
        (
            post("hi", producer="q", n=1, idempotency_key="key", digest=b"1"),
            (MESSAGE, Produced(ADA, "q", 1, AT, FIRST, NOTHING_SAID)),
        ),
    ],
    ids=repr,
)
def test_what_becomes_of_a_message(room: Room, entry: Entry, outcome: Outcome) -> None:
    assert decide(room, entry) == outcome


def test_a_reaction_that_is_taken_back_counts_one_less(room: Room) -> None:
    said = Message(7, NOW, "Ada", "hello", reactions={"+1": 3})
    room.targets[7] = TargetMessage(said, ADA, frozenset({"+1"}))
    outcome = decide(room, React(**by("Bob", BOB), of=7, reaction="+1", remove=True))
    assert isinstance(outcome, tuple)
    assert outcome[2] == Amended(Message(7, NOW, "Ada", "hello", reactions={"+1": 2}, reacted=9))


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        (Edit(**by("Bob", BOB), of=7, text="x"), "Only the author of a message may change it."),
        (
            Rename(**by("Eve", EVE), new_name="Eva", new_key="eva"),
            "Only a participant of the room can change its name.",
        ),
        (Rename(**by("Ada", ADA), new_name="BOB", new_key="bob"), "The name 'BOB' is taken here; choose another one."),
        (React(**by("Ada", ADA), of=7, reaction="one more"), "A message has at most 20 kinds of reactions."),
    ],
)
def test_why_a_change_is_refused(room: Room, entry: Entry, outcome: str) -> None:
    many = {f"r{number}": 1 for number in range(20)}
    room.targets[7] = TargetMessage(Message(7, NOW, "Ada", "hello", reactions=many), ADA)
    refused = decide(room, entry)
    assert isinstance(refused, Rejection)
    assert refused.message == outcome
