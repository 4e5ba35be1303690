"""What each fact makes of a room, and that it makes no more of it."""

from __future__ import annotations

import pytest

from chatty.events import Message, ParticipantJoined, rfc3339
from chatty.server.business.facts import (
    Amended,
    Closed,
    Connected,
    Created,
    Departed,
    Disconnected,
    Edited,
    Erased,
    Fact,
    IdempotencyKeyUsed,
    Produced,
    Purged,
    Reacted,
    Renamed,
    Retimed,
    Retitled,
    Trimmed,
    WentAway,
)
from chatty.server.business.rights import Trust
from chatty.server.business.state import Participant, Room, TargetMessage, evolve
from tests.server.principals import speaker

ADA, BOB = b"a" * 16, b"b" * 16
PRODUCED = Produced(ADA, "p", 1, 5, b"digest", b"before")


def room(**more: object) -> Room:
    """With Ada twice and Bob once in it, and something to forget."""
    there = Room(1, "room-a", name="A room", topic="talk", epoch="epoch", owner=b"o", created_at=7, exists=True)
    there.last, there.at = 3, rfc3339(9)
    there.participants = {
        "ada": Participant("Ada", ADA, Trust.KEY, {"n/1/1", "n/1/2"}, skeleton="ada"),
        "bob": Participant("Bob", BOB, Trust.NONE, {"n/1/3"}, skeleton="bob"),
    }
    there.alike = {"ada": ("ada",), "bob": ("bob",)}
    there.connections = {"n/1/1": "ada", "n/1/2": "ada", "n/1/3": "bob"}
    there.producers = {(ADA, "p"): PRODUCED}
    there.idempotency_keys = {(ADA, "key"): (b"1", 2)}
    for name, value in more.items():
        setattr(there, name, value)
    return there


def after(*facts: Fact) -> Room:
    there = room()
    for fact in facts:
        evolve(there, fact)
    return there


def test_nothing_is_known_of_a_room_before_it_is_made() -> None:
    nothing = Room(1, "room-a")
    assert not nothing.exists
    assert (nothing.first, nothing.last, nothing.at, nothing.settled_at, nothing.trimmed_at) == (1, 0, "", "", "")
    assert (nothing.name, nothing.topic, nothing.epoch, nothing.owner) == ("", "", "", b"")
    assert (nothing.created_at, nothing.expires_at, nothing.closed_at) == (0, 0, 0)
    evolve(nothing, Created("room-a", "A room", "talk", "epoch", b"o", 7, 8))
    assert nothing == Room(
        1, "room-a", "A room", "talk", "epoch", b"o", created_at=7, expires_at=8, exists=True, first=1, last=0
    )


def test_an_event_is_the_last_one_and_changes_nothing_else() -> None:
    event = ParticipantJoined(4, rfc3339(10), "Eve")
    assert after(event) == room(last=4, at=rfc3339(10))


def test_a_first_connection_makes_a_participant() -> None:
    changed = after(Connected("n/1/4", speaker("Eve", b"e")))
    assert changed.participants["eve"] == Participant("Eve", b"e", Trust.KEY, {"n/1/4"}, away=0, skeleton="eve")
    assert changed.connections["n/1/4"] == "eve"
    assert Participant("Eve", b"e", Trust.KEY, set()).away == 0
    assert {**changed.participants, "eve": None} == {**room().participants, "eve": None}


def test_a_connection_of_a_participant_that_is_away_brings_it_back() -> None:
    changed = after(Disconnected("bob", "n/1/3"), WentAway("bob", 10))
    assert changed.participants["bob"] == Participant("Bob", BOB, Trust.NONE, set(), away=10, skeleton="bob")
    assert "n/1/3" not in changed.connections
    evolve(changed, Connected("n/1/5", speaker("BOB", BOB, Trust.NONE)))
    assert changed.participants["bob"] == Participant("Bob", BOB, Trust.NONE, {"n/1/5"}, away=0, skeleton="bob")


def test_the_connections_of_a_participant_go_with_it() -> None:
    assert after(Departed("ada")) == room(
        participants={"bob": room().participants["bob"]}, connections={"n/1/3": "bob"}, alike={"bob": ("bob",)}
    )


@pytest.mark.parametrize(
    "fact", [Disconnected("eve", "n/1/9"), WentAway("eve", 10), Departed("eve"), Renamed("eve", "eva", "Eva", "eva")]
)
def test_what_happens_to_somebody_who_is_not_there_changes_nothing(fact: Fact) -> None:
    assert after(fact) == room()


def test_nobody_is_in_a_room_that_has_ended() -> None:
    assert after(Closed(10)) == room(closed_at=10, participants={}, connections={}, alike={})


def test_a_producers_last_number_and_a_used_key_are_remembered() -> None:
    produced = Produced(BOB, "p", 1, 6, b"", b"")
    assert after(produced) == room(producers={(ADA, "p"): PRODUCED, (BOB, "p"): produced})
    used = IdempotencyKeyUsed(BOB, "key", b"2", 3, 6)
    assert after(used) == room(idempotency_keys={(ADA, "key"): (b"1", 2), (BOB, "key"): (b"2", 3)})


def test_a_topic_and_a_name_change() -> None:
    assert after(Retitled("cats")) == room(topic="cats")
    renamed = after(Renamed("ada", "countess", "Countess", "countess"))
    assert renamed.participants["countess"] == Participant(
        "Countess", ADA, Trust.KEY, {"n/1/1", "n/1/2"}, skeleton="countess"
    )
    assert "ada" not in renamed.participants
    assert renamed.connections == {"n/1/1": "countess", "n/1/2": "countess", "n/1/3": "bob"}


def test_messages_are_not_kept_in_the_room() -> None:
    message = Message(3, rfc3339(9), "Ada", "hello")
    for fact in (Amended(message), Edited(3, 4), Erased(3), Reacted(3, ADA, "👍", False)):
        assert after(fact) == room()


def test_what_is_forgotten_leaves_its_time() -> None:
    assert after(Trimmed(3)) == room(first=3, trimmed_at=rfc3339(9))


def test_of_a_room_that_is_forgotten_nobody_and_nothing_is_left_that_was_accepted() -> None:
    assert after(Purged()) == room(
        exists=False, participants={}, alike={}, connections={}, producers={}, idempotency_keys={}
    )


AHEAD = Retimed(since=1_000_000, by=300_000, floor="", at=2_000_000)


@pytest.mark.parametrize(
    ("created_at", "expires_at", "right_creation", "right_expiry"),
    [
        (1_000_000, 1_500_000, 700_000, 1_200_000),
        (1_000_000, 200_000, 700_000, 1),
        (1_000_000, 0, 700_000, 0),
        (999_999, 1_500_000, 999_999, 1_500_000),
    ],
)
def test_a_room_that_was_made_by_a_wrong_clock_ends_as_long_after_as_it_was_to(
    created_at: int, expires_at: int, right_creation: int, right_expiry: int
) -> None:
    there = room(created_at=created_at, expires_at=expires_at, closed_at=1_100_000)
    there.at, there.trimmed_at = rfc3339(1_200_000), rfc3339(1_150_000)
    evolve(there, AHEAD)
    assert there == room(
        created_at=right_creation,
        expires_at=right_expiry,
        closed_at=800_000,
        at=rfc3339(900_000),
        trimmed_at=rfc3339(850_000),
    )


def test_a_message_that_an_entry_is_about_has_no_reactions_of_its_author_unless_told() -> None:
    message = Message(3, rfc3339(9), "Ada", "hello")
    target = TargetMessage(message, ADA)
    assert target.reactions == frozenset()
    with pytest.raises(AttributeError):
        target.author = BOB  # type: ignore[misc]
