"""Deleting what others wrote: whose messages, how members learn of it, and what stays."""

from __future__ import annotations

import pytest

from chatty.events import Message, MessageDeleted, Moderated, rfc3339
from chatty.server.business.entries import Delete, DeleteMessages
from chatty.server.business.facts import Amended, Audited, Erased
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import SERVER, Principal, Trust
from chatty.server.business.room import decide
from chatty.server.business.state import TargetMessage
from tests.server.business.court import AT, ROOM, Court, code, ident, person

NOW = rfc3339(AT)


@pytest.fixture
def court() -> Court:
    """Messages 1 and 2 are Eve's, 3 is a moderator's, 4 is Bob's, 5 is Eve's and deleted."""
    court = Court()
    court.room.last = 5
    for seq, name in enumerate(("Eve", "Eve", "moderator", "Bob", "Eve"), 1):
        message = Message(seq, NOW, name, "text" if seq < 5 else "", reactions={"+1": 2}, deleted=seq // 5)
        court.room.targets[seq] = TargetMessage(message, ident(name))
    return court


def delete(court: Court, by: str, of: int) -> Outcome:
    return decide(court.room, Delete(room=ROOM, at=AT, who=person(by), of=of))


def delete_all(court: Court, by: str, *of: int, **more: bool) -> Outcome:
    return court.rule(DeleteMessages(ROOM, AT, person(by), of, "spam", **more))


def test_a_moderator_deletes_a_members_message_and_the_event_says_whose_it_was(court: Court) -> None:
    assert delete(court, "moderator", 1) == (
        MessageDeleted(6, NOW, "moderator", 1, "Eve"),
        Amended(Message(1, NOW, "Eve", "", deleted=6)),
        Erased(1),
        Audited(AT, "moderator", "deleted message 1", "Eve"),
    )


def test_a_deletion_of_ones_own_is_as_it_was(court: Court) -> None:
    assert delete(court, "Eve", 1) == (
        MessageDeleted(6, NOW, "Eve", 1), Amended(Message(1, NOW, "Eve", "", deleted=6)), Erased(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("by", "of", "refused"),
    [
        ("Bob", 1, "not_allowed"),
        ("reader", 1, "not_allowed"),
        ("poster", 1, "message_not_found"),
        ("nobody", 1, "room_not_found"),
        ("Bob", 9, "message_not_found"),
        ("moderator", 5, "message_not_found"),
        ("moderator", 9, "message_not_found"),
        ("second", 3, "not_allowed"),
        ("owner", 3, ""),
        ("admin", 3, ""),
        ("reader", 4, "not_allowed"),
    ],
)
def test_messages_of_equals_and_of_those_above_stay(court: Court, by: str, of: int, refused: str) -> None:
    """Attack 18: a moderator against another, and a member against anybody."""
    court.room.grants[ident("second")] = court.room.grants[ident("moderator")]
    assert code(delete(court, by, of)) == refused


def test_many_are_deleted_at_once_and_the_members_learn_of_each(court: Court) -> None:
    outcome = delete_all(court, "moderator", 2, 1, 2)
    assert isinstance(outcome, tuple)
    assert outcome[0] == Moderated(6, NOW, "delete", "moderator", "Eve", reason="spam")
    assert [fact for fact in outcome if isinstance(fact, MessageDeleted)] == [
        MessageDeleted(7, NOW, "moderator", 1, "Eve"), MessageDeleted(8, NOW, "moderator", 2, "Eve"),
    ]  # fmt: skip
    assert [fact.of for fact in outcome if isinstance(fact, Erased)] == [1, 2]
    assert outcome[-1] == Audited(AT, "moderator", "deleted 2 messages", "Eve", 0, "spam")
    assert court.room.last == 8


def test_the_parts_that_follow_are_not_announced_again(court: Court) -> None:
    outcome = delete_all(court, "moderator", 1, is_first=False)
    assert isinstance(outcome, tuple)
    assert outcome[0] == MessageDeleted(6, NOW, "moderator", 1, "Eve")
    assert outcome[-1] == Audited(AT, "moderator", "deleted message 1", "Eve", 0, "spam")


def test_of_many_those_stay_that_may_not_be_deleted(court: Court) -> None:
    court.room.grants[ident("second")] = court.room.grants[ident("moderator")]
    outcome = delete_all(court, "second", 1, 3, 4, 5, 9)
    assert isinstance(outcome, tuple)
    assert [fact.of for fact in outcome if isinstance(fact, Erased)] == [1, 4]
    assert outcome[-1] == Audited(AT, "second", "deleted 2 messages", "", 0, "spam")
    assert outcome[0] == Moderated(6, NOW, "delete", "second", reason="spam"), "several people have no one name"


def test_a_moderators_own_messages_may_be_among_them(court: Court) -> None:
    outcome = delete_all(court, "moderator", 3)
    assert isinstance(outcome, tuple)
    assert outcome[1] == MessageDeleted(7, NOW, "moderator", 3)


@pytest.mark.parametrize(
    ("by", "of", "refused"),
    [("Bob", (1,), "not_allowed"), ("second", (3,), "not_allowed"), ("moderator", (5, 9), "message_not_found"),
     ("moderator", (), "message_not_found"), ("nobody", (1,), "room_not_found")],
)  # fmt: skip
def test_where_nothing_can_be_deleted_it_says_why(court: Court, by: str, of: tuple[int, ...], refused: str) -> None:
    court.room.grants[ident("second")] = court.room.grants[ident("moderator")]
    assert code(delete_all(court, by, *of)) == refused


def test_nothing_is_deleted_from_a_closed_room_or_from_the_server(court: Court) -> None:
    server = DeleteMessages(SERVER, AT, person("admin"), (1,))
    assert code(court.rule(server)) == "message_not_found"
    court.room.closed_at = AT
    assert code(delete_all(court, "moderator", 1)) == "room_closed"


def test_a_moderator_without_a_name_is_left_out_or_called_as_in_the_room(court: Court) -> None:
    nameless = Principal(ident("moderator"), Trust.KEY)
    outcome = court.rule(DeleteMessages(ROOM, AT, nameless, (1,)))
    assert isinstance(outcome, tuple)
    assert outcome[1] == MessageDeleted(7, NOW, "", 1, "Eve")
    court.enter(Principal(ident("moderator"), Trust.KEY, "Mona", "mona"))
    outcome = court.rule(DeleteMessages(ROOM, AT, nameless, (2,)))
    assert isinstance(outcome, tuple)
    assert [fact.participant for fact in outcome if isinstance(fact, MessageDeleted)] == ["Mona"]
