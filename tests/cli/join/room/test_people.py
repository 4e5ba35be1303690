from __future__ import annotations

from chatty.cli.join.room.people import People
from chatty.events import Message, ParticipantJoined, ParticipantLeft, ParticipantRenamed

NOON = "2026-11-23T12:00:00.000Z"


def heard(*names: str) -> People:
    people = People()
    people.me = "John"
    for seq, name in enumerate(names, 1):
        people.hear(Message(seq, NOON, name, "hello"))
    return people


def test_who_spoke_last_comes_first_and_who_is_only_here_last() -> None:
    people = heard("Ada", "Bob", "Ada", "John")
    people.present(["Zoe", "Bob"])
    people.hear(ParticipantJoined(5, NOON, "Eve"))
    assert people.names() == ["Ada", "Bob", "Zoe", "Eve"]


def test_who_has_left_is_no_longer_named_and_who_is_renamed_is_by_the_new_name() -> None:
    people = heard("Ada", "Bob")
    people.hear(ParticipantLeft(3, NOON, "Bob", "left"))
    people.hear(ParticipantRenamed(4, NOON, "Ada", "Countess"))
    assert people.names() == ["Countess"]


def test_only_so_many_messages_are_remembered() -> None:
    people = People(kept=2)
    people.me = "John"
    for seq in range(1, 4):
        people.hear(Message(seq, NOON, "John" if seq == 1 else "Ada", "hello"))
    assert people.mine() is None
    assert people.theirs(3) == Message(3, NOON, "Ada", "hello")


def test_of_messages_under_one_name_the_verified_ones_count() -> None:
    """Over HTTP, somebody may have posted as Ada before the name was hers."""
    people = heard()
    for seq, verified in enumerate((False, True, False), 1):
        people.hear(Message(seq, NOON, "Ada", "hello", verified=verified))
    ada = people.find("ada")
    assert ada is not None
    assert [message and message.seq for message in (people.by(ada, upto) for upto in (1, 2, 3))] == [1, 2, 2]
