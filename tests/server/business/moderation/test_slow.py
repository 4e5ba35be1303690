"""Slow mode: who waits for how long, and who is told from whom."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chatty.events import Message
from chatty.server.business.entries import Delete, Edit, Entry, Post, React, Rejection, Rename, SetPolicy, SetTopic
from chatty.server.business.facts import Spoke
from chatty.server.business.moderation.slow import CHANGE_MS, turn
from chatty.server.business.outcomes import Outcome
from chatty.server.business.rights import SERVER, Principal, Trust
from chatty.server.business.room import decide
from chatty.server.business.state import TargetMessage
from tests.server.business.court import ANONYMOUS, AT, ROOM, Court, code, ident, person

SLOW = 10_000


@pytest.fixture
def court() -> Court:
    court = Court()
    assert code(court.rule(SetPolicy(ROOM, AT, person("moderator"), slow=SLOW))) == ""
    return court


def do(court: Court, entry: Entry) -> Outcome:
    outcome = decide(court.room, entry)
    if isinstance(outcome, tuple):
        court.apply(court.room, outcome)
    return outcome


def say(court: Court, who: Principal, after: int = 0, **more: Any) -> Outcome:
    return do(court, Post(ROOM, AT + after, who, "hello", **more))


def wait(outcome: Outcome) -> int:
    """For how long somebody was told to wait; 0 for one that was accepted."""
    if isinstance(outcome, tuple):
        return 0
    assert isinstance(outcome, Rejection)
    assert outcome.code == "too_fast"
    return outcome.wait


def test_a_member_waits_after_its_last_message_and_is_told_how_long(court: Court) -> None:
    eve = person("Eve")
    assert wait(say(court, eve)) == 0
    refused = say(court, eve, 1_500)
    assert refused == Rejection("too_fast", "This room is in slow mode; wait 9 s before you say more.", 8_500)
    assert wait(say(court, eve, SLOW - 1)) == 1
    assert wait(say(court, eve, SLOW)) == 0
    assert wait(say(court, eve, SLOW + 1)) == SLOW - 1, "counted from the last one that was accepted"


def test_everybody_waits_for_themselves_alone(court: Court) -> None:
    assert wait(say(court, person("Eve"))) == 0
    assert wait(say(court, person("Bob"), 1)) == 0
    assert wait(say(court, person("Eve"), 2)) > 0


@pytest.mark.parametrize("role", ["moderator", "owner", "admin"])
def test_moderators_and_owners_need_not_wait(court: Court, role: str) -> None:
    assert [wait(say(court, person(role), after)) for after in (0, 0, 1)] == [0, 0, 0]


def test_without_slow_mode_nobody_waits_and_nothing_is_noted(court: Court) -> None:
    assert code(court.rule(SetPolicy(ROOM, AT, person("moderator"), slow=0))) == ""
    assert [wait(say(court, person("Eve"))) for _ in range(3)] == [0, 0, 0]
    assert court.room.spoke == {}


def test_those_without_a_key_share_the_turns_of_their_address(court: Court) -> None:
    """A connection without a key is another identity each time; a short key is replaced as easily."""
    here: dict[str, Any] = {"address": "192.0.2.1"}
    first = Principal(ident("first"), Trust.NONE, "a", "a", **here)
    assert wait(say(court, first)) == 0
    for who in (
        Principal(ident("second"), Trust.NONE, "b", "b", **here),
        Principal(ident("weak"), Trust.WEAK, "c", "c", **here),
        replace(ANONYMOUS, name="d", name_key="d", **here),
    ):
        assert wait(say(court, who, 1)) == SLOW - 1
    assert wait(say(court, replace(first, address="192.0.2.2"), 1)) == 0
    assert wait(say(court, person("Eve", **here), 1)) == 0, "who shows a key has turns of her own"


def test_a_refused_number_may_be_used_again(court: Court) -> None:
    eve = person("Eve")
    assert wait(say(court, eve, producer="p", n=1)) == 0
    assert wait(say(court, eve, 1, producer="p", n=2)) > 0
    assert wait(say(court, eve, SLOW, producer="p", n=2)) == 0


def test_what_was_stored_already_is_acked_at_once(court: Court) -> None:
    eve = person("Eve")
    say(court, eve, producer="p", n=1)
    assert type(say(court, eve, 1, producer="p", n=1)).__name__ == "Duplicate"
    say(court, person("Bob"), idempotency_key="k", digest=b"1")
    again = say(court, person("Bob"), 1, idempotency_key="k", digest=b"1")
    assert type(again).__name__ == "Duplicate"


def test_what_is_refused_for_another_reason_takes_no_turn(court: Court) -> None:
    assert code(say(court, person("Eve"), reply_to=99)) == "message_not_found"
    assert wait(say(court, person("Eve"))) == 0


def changes(court: Court, who: Principal, at: int) -> list[Entry]:
    """One of each kind of change, of a message by ``who``."""
    court.room.targets[1] = TargetMessage(Message(1, "", who.name, "hello"), who.identity)
    whose: dict[str, Any] = {"room": ROOM, "at": at, "who": who, "connection": f"node/1/{who.name}"}
    return [
        Edit(**whose, of=1, text="new"),
        React(**whose, of=1, reaction="+1"),
        SetTopic(**whose, topic="cats"),
        Rename(**whose, new_name="Eva", new_key="eva"),
    ]


def test_changes_are_no_messages_but_must_not_become_a_flood(court: Court) -> None:
    eve = person("Eve")
    court.enter(eve)
    assert wait(say(court, eve)) == 0
    at = AT + 1
    for first in range(4):
        assert wait(do(court, changes(court, eve, at)[first])) == 0, "a change doesn't wait for the last message"
        for second in changes(court, eve, at + CHANGE_MS - 1)[:3]:
            assert wait(do(court, second)) == 1
        at += CHANGE_MS
    assert wait(say(court, eve, SLOW)) == 0, "nor does a message wait for the last change"
    delete = Delete(room=ROOM, at=at, who=eve, of=1, connection="node/1/Eve")
    changes(court, eve, at)
    assert wait(do(court, delete)) == 0, "there are no more deletions than messages"


def test_changes_wait_no_longer_than_messages(court: Court) -> None:
    court.rule(SetPolicy(ROOM, AT, person("moderator"), slow=500))
    eve = person("Eve")
    court.enter(eve)
    assert wait(do(court, changes(court, eve, AT)[0])) == 0
    assert wait(do(court, changes(court, eve, AT + 499)[2])) == 1
    assert wait(do(court, changes(court, eve, AT + 500)[2])) == 0


def test_a_clock_that_went_back_silences_nobody(court: Court) -> None:
    eve = person("Eve")
    assert wait(say(court, eve, 3_600_000)) == 0
    assert wait(say(court, eve, 3_600_000 - SLOW + 1)) == 2 * SLOW - 1
    assert wait(say(court, eve, 0)) == 0, "the hour that it was ahead is not waited for"


def test_slow_mode_is_a_rooms(court: Court) -> None:
    assert code(court.rule(SetPolicy(SERVER, AT, person("admin"), slow=SLOW))) == "bad_request"


def test_moderators_set_it_and_members_don_t() -> None:
    court = Court()
    assert code(court.rule(SetPolicy(ROOM, AT, person("Eve"), slow=SLOW))) == "not_allowed"
    assert code(court.rule(SetPolicy(ROOM, AT, person("moderator"), slow=SLOW))) == ""


def test_what_is_kept_of_a_turn_is_who_had_it_and_when(court: Court) -> None:
    guest = person("Eve", Trust.NONE, address="192.0.2.1")
    assert CHANGE_MS == 2_000
    assert turn(court.room, person("Eve"), AT) == (Spoke(ident("Eve"), AT, 0),)
    assert turn(court.room, person("Eve"), AT, is_change=True) == (Spoke(ident("Eve"), 0, AT),)
    assert turn(court.room, guest, AT) == (Spoke(b"address 192.0.2.1", AT, 0),)


def test_seconds_to_wait_are_never_too_few(court: Court) -> None:
    assert wait(say(court, person("Eve"))) == 0
    refused = say(court, person("Eve"), SLOW - 9_009)
    assert isinstance(refused, Rejection)
    assert "wait 10 s" in refused.message
