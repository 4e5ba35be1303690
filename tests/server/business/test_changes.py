"""The rules for changes: only one's own messages, only those that exist, and each reaction once."""

from __future__ import annotations

from typing import Any

import pytest

from chatty.digests import NOTHING_SAID, UNKNOWN, chained
from chatty.events import (
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantRenamed,
    Reaction,
    TopicChanged,
)
from chatty.server.business.entries import (
    Connect,
    Delete,
    Disconnect,
    Duplicate,
    Edit,
    EndGrace,
    Entry,
    Post,
    React,
    Rejection,
    Rename,
    SetTopic,
)
from chatty.server.business.facts import Amended, Edited, Erased, Produced, Reacted, WentAway
from chatty.server.business.messages import MOST_REACTIONS
from chatty.server.business.outcomes import Outcome
from chatty.server.business.room import decide
from chatty.server.business.state import Room, TargetMessage, evolve
from tests.server.principals import speaker

ROOM = "room-a"
AT = 1_700_000_000_000
ADA, BOB = b"a" * 16, b"b" * 16


@pytest.fixture
def room() -> Room:
    """With Ada's message 3 in it, and Ada and Bob."""
    room = Room(1, ROOM, exists=True)
    for name, identity in (("Ada", ADA), ("Bob", BOB)):
        do(room, Connect(ROOM, AT, f"node/1/{name}", speaker(name, identity)))
    do(room, Post(ROOM, AT, speaker("Ada", ADA), "hello"))
    room.targets[3] = TargetMessage(Message(3, room.at, "Ada", "hello"), ADA)
    return room


def do(room: Room, entry: Entry) -> Outcome:
    outcome = decide(room, entry)
    if isinstance(outcome, tuple):
        for fact in outcome:
            evolve(room, fact)
    return outcome


def by(name: str = "Ada", identity: bytes = ADA, **more: Any) -> Any:
    return {"room": ROOM, "at": AT, "who": speaker(name, identity), **more}


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejection)
    return outcome.code


def facts(outcome: Outcome) -> tuple[Any, ...]:
    assert isinstance(outcome, tuple)
    return outcome


def test_an_edit_is_an_event_and_changes_the_message(room: Room) -> None:
    event, wording, amended = facts(do(room, Edit(**by(), of=3, text="hello there")))
    assert event == MessageEdited(4, room.at, "Ada", 3, "hello there")
    assert wording == Edited(3, 4)
    assert amended == Amended(Message(3, room.at, "Ada", "hello there", edited=4))
    assert room.last == 4


def test_a_deletion_leaves_nothing_of_the_text(room: Room) -> None:
    said = Message(3, room.at, "Ada", "hello", reply_to=1, edited=9, reactions={"👍": 2})
    room.targets[3] = TargetMessage(said, ADA)
    event, amended, erased = facts(do(room, Delete(**by(), of=3)))
    assert event == MessageDeleted(4, room.at, "Ada", 3)
    assert amended.message == Message(3, room.at, "Ada", "", reply_to=1, deleted=4)
    assert erased == Erased(3)


@pytest.mark.parametrize("entry", [Edit(**by("Bob", BOB), of=3, text="mine"), Delete(**by("Bob", BOB), of=3)])
def test_nobody_changes_the_messages_of_others(room: Room, entry: Entry) -> None:
    assert code(do(room, entry)) == "not_allowed"


@pytest.mark.parametrize(
    "entry",
    [Edit(**by(), of=9, text="x"), Delete(**by(), of=9), React(**by(), of=9, reaction="👍")],
    ids=["edit", "delete", "react"],
)
def test_a_message_that_is_missing_or_deleted_is_not_found(room: Room, entry: Entry) -> None:
    assert code(do(room, entry)) == "message_not_found"
    room.targets[9] = TargetMessage(Message(9, room.at, "Ada", "", deleted=10), ADA)
    assert code(do(room, entry)) == "message_not_found"


def test_a_reaction_counts_once_for_each_participant_and_can_be_taken_back(room: Room) -> None:
    event, reacted, amended = facts(do(room, React(**by("Bob", BOB), of=3, reaction="👍")))
    assert event == Reaction(4, room.at, "Bob", 3, "👍")
    assert reacted == Reacted(3, BOB, "👍", False)
    assert (amended.message.reactions, amended.message.reacted) == ({"👍": 1}, 4)
    room.targets[3] = TargetMessage(amended.message, ADA, frozenset({"👍"}))
    assert facts(do(room, React(**by("Bob", BOB), of=3, reaction="👍"))) == ()
    event, _, amended = facts(do(room, React(**by("Bob", BOB), of=3, reaction="👍", remove=True)))
    assert event == Reaction(5, room.at, "Bob", 3, "👍", removed=True)
    assert amended.message.reactions == {}
    room.targets[3] = TargetMessage(amended.message, ADA)
    assert facts(do(room, React(**by("Bob", BOB), of=3, reaction="👍", remove=True))) == ()


def test_a_message_has_only_so_many_kinds_of_reactions(room: Room) -> None:
    many = {f"r{number}": 1 for number in range(MOST_REACTIONS)}
    room.targets[3] = TargetMessage(Message(3, room.at, "Ada", "hello", reactions=many), ADA)
    assert code(do(room, React(**by(), of=3, reaction="one more"))) == "bad_request"
    assert facts(do(room, React(**by(), of=3, reaction="r1")))[2].message.reactions["r1"] == 2


def test_a_topic_is_an_event_and_becomes_the_rooms_topic(room: Room) -> None:
    event, _ = facts(do(room, SetTopic(**by(), topic="the weather")))
    assert event == TopicChanged(4, room.at, "Ada", "the weather")
    assert room.topic == "the weather"


def test_a_renamed_participant_keeps_its_place_and_its_old_name_is_free(room: Room) -> None:
    event, _ = facts(do(room, Rename(**by(), new_name="Countess", new_key="countess")))
    assert event == ParticipantRenamed(4, room.at, "Ada", "Countess")
    assert set(room.participants) == {"countess", "bob"}
    assert room.connections["node/1/Ada"] == "countess"
    assert facts(do(room, Connect(ROOM, AT, "node/1/New", speaker("Ada", b"n" * 16))))
    assert facts(do(room, Disconnect(ROOM, AT, "node/1/Ada", True)))[1].participant == "Countess"


def test_a_connection_speaks_under_its_participants_current_name(room: Room) -> None:
    do(room, Rename(**by(), new_name="Countess", new_key="countess"))
    do(room, Connect(ROOM, AT, "node/1/New", speaker("Ada", b"n" * 16)))
    late = Post(ROOM, AT, speaker("Ada", ADA), "still me", connection="node/1/Ada")
    assert facts(do(room, late))[0].participant == "Countess"
    (event, _) = facts(do(room, Rename(**by(connection="node/1/Ada"), new_name="Ada L.", new_key="ada l.")))
    assert event.participant == "Countess"


def test_a_participant_that_is_renamed_while_away_may_come_back_under_the_new_name(room: Room) -> None:
    do(room, Disconnect(ROOM, AT, "node/1/Ada", False))
    *_, away = facts(do(room, Rename(**by(), new_name="Ghost", new_key="ghost")))
    assert away == WentAway("ghost", AT)
    assert facts(do(room, EndGrace(ROOM, AT + 15_000, "ghost", AT)))[0].participant == "Ghost"


def test_a_name_can_change_its_case_alone(room: Room) -> None:
    assert facts(do(room, Rename(**by(), new_name="ADA", new_key="ada")))[0].name == "ADA"
    assert facts(do(room, Rename(**by(), new_name="ADA", new_key="ada"))) == ()


def test_nobody_takes_a_name_that_is_held_or_without_being_there(room: Room) -> None:
    assert code(do(room, Rename(**by(), new_name="bob", new_key="bob"))) == "name_taken"
    assert code(do(room, Rename(**by("Eve", b"e" * 16), new_name="Eva", new_key="eva"))) == "not_allowed"


def test_a_reply_is_to_a_message_that_is_there(room: Room) -> None:
    (reply,) = facts(do(room, Post(ROOM, AT, speaker("Bob", BOB), "yes", reply_to=3)))
    assert reply.reply_to == 3
    assert code(do(room, Post(ROOM, AT, speaker("Bob", BOB), "yes", reply_to=1))) == "message_not_found"
    room.targets[3] = TargetMessage(Message(3, room.at, "Ada", "", deleted=5), ADA)
    assert code(do(room, Post(ROOM, AT, speaker("Bob", BOB), "yes", reply_to=3))) == "message_not_found"


def test_a_change_takes_its_place_in_its_producers_numbers(room: Room) -> None:
    edit = Edit(**by(producer="p", n=1), of=3, text="once")
    first = chained(NOTHING_SAID, "edit\n3\nonce")
    assert facts(do(room, edit))[-1] == Produced(ADA, "p", 1, AT, first, NOTHING_SAID)
    assert isinstance(do(room, edit), Duplicate)
    assert code(do(room, Delete(**by(producer="p", n=3), of=3))) == "out_of_order"
    # A change that changes nothing has used its number all the same.
    assert facts(do(room, React(**by(producer="p", n=2), of=3, reaction="x", remove=True))) == (
        Produced(ADA, "p", 2, AT, chained(first, "react\n3\n1\nx"), first),
    )


def test_the_last_number_with_another_message_is_a_conflict_and_no_repetition(room: Room) -> None:
    for n, text in enumerate(["one", "two"], 1):
        do(room, Post(ROOM, AT, speaker("Ada", ADA), text, "p", n))
    assert isinstance(do(room, Post(ROOM, AT, speaker("Ada", ADA), "two", "p", 2)), Duplicate)
    assert code(do(room, Post(ROOM, AT, speaker("Ada", ADA), "three", "p", 2))) == "idempotency_conflict"
    assert code(do(room, Delete(**by(producer="p", n=2), of=3))) == "idempotency_conflict"
    # The message under an earlier number is not kept.
    assert isinstance(do(room, Post(ROOM, AT, speaker("Ada", ADA), "three", "p", 1)), Duplicate)


def test_nothing_is_compared_for_a_producer_from_before_there_were_digests(room: Room) -> None:
    room.producers[ADA, "p"] = Produced(ADA, "p", 7, AT, UNKNOWN, UNKNOWN)
    assert isinstance(do(room, Post(ROOM, AT, speaker("Ada", ADA), "x", "p", 7)), Duplicate)
    do(room, Post(ROOM, AT, speaker("Ada", ADA), "y", "p", 8))
    assert room.producers[ADA, "p"] == Produced(ADA, "p", 8, AT, UNKNOWN, UNKNOWN)
    assert isinstance(do(room, Post(ROOM, AT, speaker("Ada", ADA), "z", "p", 8)), Duplicate)


def test_nothing_changes_in_a_closed_room_or_under_anothers_name(room: Room) -> None:
    assert code(do(room, Edit(**by("Bob", ADA), of=3, text="x"))) == "name_taken"
    room.closed_at = AT
    assert code(do(room, Edit(**by(), of=3, text="x"))) == "room_closed"
