"""Nobody goes by somebody else's name, or by one that looks like it: attack 2, in the rules."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chatty.events import (
    Event,
    Message,
    MessageDeleted,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    rfc3339,
)
from chatty.protocol import encode
from chatty.server.business.entries import (
    Connect,
    Delete,
    DeleteMessages,
    Disconnect,
    Edit,
    Entry,
    Kick,
    Post,
    React,
    Rejection,
    Rename,
    SetTopic,
)
from chatty.server.business.facts import Connected, Evicted, Renamed, Reserved
from chatty.server.business.holders import is_verified
from chatty.server.business.moderation.restricting import evictions
from chatty.server.business.rights import Principal, Trust
from chatty.server.business.room import decide
from chatty.server.business.state import Participant, TargetMessage, evolve
from tests.server.business.court import AT, ROOM, Court, banning, called, code, ident, person

NOW = rfc3339(AT)
SPOOF = "Аda"
"""It begins with a Cyrillic letter."""


@pytest.fixture
def court() -> Court:
    return Court()


def reserve(court: Court, name: str, holder: str) -> Principal:
    """``name`` is reserved for an identity."""
    who = replace(person(name, Trust.VERIFIED), identity=ident(holder), token="t1")
    evolve(court.server, Reserved(who.name_key, name, who.identity, who.skeleton))
    court.token(who.identity)
    return who


def connecting(who: Principal) -> Connect:
    return Connect(ROOM, AT, f"node/1/{who.name}/{who.identity.decode()}", who)


def renaming(who: Principal, name: str) -> Rename:
    new = person(name)
    return Rename(
        room=ROOM, at=AT, who=who, connection=connecting(who).connection, new_name=name, new_key=new.name_key,
        new_skeleton=new.skeleton,
    )  # fmt: skip


def test_a_name_that_looks_like_a_participant_s_is_taken(court: Court) -> None:
    court.enter(person("Ada"), person("Bob"))
    refused = Rejection(
        "name_taken", f"The name {SPOOF!r} looks like 'Ada', which somebody else holds here; choose another one."
    )
    eve = replace(person(SPOOF), identity=ident("Eve"))
    assert decide(court.room, connecting(eve)) == refused
    assert decide(court.room, Post(ROOM, AT, eve, "I am Ada")) == refused
    bob = replace(person("Bob"))
    rename = replace(renaming(bob, SPOOF), connection="node/1/Bob")
    assert decide(court.room, rename) == refused


def test_a_name_that_looks_like_a_reserved_one_is_taken_also_while_its_holder_is_away(court: Court) -> None:
    reserve(court, "Ada", "holder")
    refused = Rejection(
        "name_taken", f"The name {SPOOF!r} looks like 'Ada', which is reserved for somebody else; choose another one."
    )
    eve = person(SPOOF)
    assert decide(court.room, connecting(eve)) == refused
    assert decide(court.room, Post(ROOM, AT, eve, "I am Ada")) == refused
    court.enter(person("Bob"))
    assert decide(court.room, replace(renaming(person("Bob"), SPOOF), connection="node/1/Bob")) == refused


def test_two_names_of_one_identity_may_look_alike(court: Court) -> None:
    ada, other = person("Ada"), replace(person(SPOOF), identity=ident("Ada"))
    court.enter(ada, other)
    assert court.room.alike == {"ada": ("ada", "аda")}
    assert code(decide(court.room, Post(ROOM, AT, other, "me, too"))) == ""
    assert court.do(replace(renaming(other, "Аdа"), connection=f"node/1/{SPOOF}")) == ""
    assert court.room.alike == {"ada": ("ada", "аdа")}
    assert court.room.participants["аdа"].name == "Аdа"


def test_a_participant_that_looks_like_another_from_before_that_was_refused_stays(court: Court) -> None:
    court.enter(person("Ada"))
    squatter = replace(person(SPOOF), identity=ident("Eve"), skeleton="")
    court.enter(squatter)
    court.room.dismiss("аda")
    evolve(court.room, Connected("node/1/2", person(SPOOF)))
    assert code(decide(court.room, Post(ROOM, AT, person(SPOOF), "still here"))) == ""
    assert code(decide(court.room, connecting(person(SPOOF)))) == ""


def test_a_name_is_free_when_the_one_that_it_looks_like_is_gone(court: Court) -> None:
    court.enter(person("Ada"))
    court.room.dismiss("ada")
    assert court.room.alike == {}
    court.room.dismiss("ada")
    court.enter(person(SPOOF))


def test_a_renamed_participant_leaves_its_look_to_others(court: Court) -> None:
    court.enter(person("Ada"))
    outcome = decide(court.room, replace(renaming(person("Ada"), "Eve"), connection="node/1/Ada"))
    assert isinstance(outcome, tuple)
    assert outcome[1:] == (Renamed("ada", "eve", "Eve", "eve"),)
    court.apply(court.room, outcome)
    assert court.room.alike == {"eve": ("eve",)}


def test_all_who_sit_on_a_name_or_on_its_look_leave_when_it_is_reserved(court: Court) -> None:
    court.enter(person("ada"), person("Bob"))
    other = Court()
    other.enter(person(SPOOF), person("Bob"))
    holder = reserve(court, "Ada", "holder")
    for room, name in ((court.room, "ada"), (other.room, SPOOF)):
        assert evictions(room, AT, [holder]) == (
            ParticipantLeft(room.last + 1, NOW, name, "kicked"), Evicted(name.casefold()),
        )  # fmt: skip
        assert evictions(room, AT) == ()
    own = Court()
    own.enter(replace(person(SPOOF), identity=holder.identity))
    assert evictions(own.room, AT, [holder]) == ()


def test_the_holder_of_a_name_displaces_everybody_who_sits_on_it(court: Court) -> None:
    """They may be there from before names that look alike were the same, or from a backup."""
    eve, mallory = person(SPOOF), replace(person("ADA"), identity=ident("Mallory"))
    court.enter(eve, person("Bob"))
    court.room.admit("ada", participant(mallory))
    holder = reserve(court, "Ada", "holder")
    last = court.room.last
    assert decide(court.room, connecting(holder)) == (
        ParticipantLeft(last + 1, NOW, "ADA", "kicked"), Evicted("ada"),
        ParticipantLeft(last + 2, NOW, SPOOF, "kicked"), Evicted("аda"),
        ParticipantJoined(last + 3, NOW, "Ada", verified=True),
        Connected(connecting(holder).connection, holder, verified=True),
    )  # fmt: skip
    assert code(decide(court.room, Post(ROOM, AT, holder, "it is my name"))) == ""


def participant(who: Principal) -> Participant:
    """Somebody as a participant, in another room."""
    other = Court()
    other.enter(who)
    return other.room.participants[who.name_key]


def test_a_holder_s_own_other_connection_stays(court: Court) -> None:
    holder = reserve(court, "Ada", "holder")
    court.enter(holder)
    again = Connect(ROOM, AT, "node/1/2", replace(holder, name="ADA"))
    assert decide(court.room, again) == (Connected("node/1/2", holder, verified=True),)


def test_the_look_of_a_name_is_enough_to_kick_mute_and_ban(court: Court) -> None:
    eve = replace(person(SPOOF, Trust.NONE), identity=b"1" * 16)
    court.enter(eve)
    kicked = court.rule(Kick(ROOM, AT, person("moderator"), called("Ada")))
    assert isinstance(kicked, tuple)
    assert kicked[2] == Evicted("аda")
    court.rule(banning("moderator", called(SPOOF)))
    for name in (SPOOF, "Ada", "АDА", "A.d.a"):
        assert court.do(connecting(replace(person(name), identity=b"2" * 16))) == "banned"
    assert court.do(connecting(person("Bob"))) == ""


def test_a_reserved_name_is_meant_before_one_that_looks_like_it(court: Court) -> None:
    holder = reserve(court, "Ada", "holder")
    court.enter(holder)
    kicked = court.rule(Kick(ROOM, AT, person("moderator"), called(SPOOF)))
    assert isinstance(kicked, tuple)
    assert kicked[2] == Evicted("ada")


# --- verified -----------------------------------------------------------------------------------------------


def events_of(court: Court, *entries: Entry) -> list[Event]:
    """What the room's members see of ``entries``, all of which are accepted."""
    found: list[Event] = []
    for entry in entries:
        outcome = decide(court.room, entry)
        assert isinstance(outcome, tuple), outcome
        court.apply(court.room, outcome)
        found += [fact for fact in outcome if isinstance(fact, Event)]
    return found


def everything(court: Court, who: Principal) -> list[Event]:
    """All that a participant can do, and the events of it."""
    connection = connecting(who).connection
    said: dict[str, Any] = {"room": ROOM, "at": AT, "who": who, "connection": connection}
    found = events_of(court, connecting(who), Post(ROOM, AT, who, "hello", connection=connection))
    message = found[-1]
    assert isinstance(message, Message)
    court.room.targets[message.seq] = TargetMessage(message, who.identity)
    found += events_of(
        court,
        Edit(**said, of=message.seq, text="hi"), React(**said, of=message.seq, reaction="👍"),
        SetTopic(**said, topic="cats"), replace(renaming(who, who.name.upper()), connection=connection),
        Delete(**said, of=message.seq), Disconnect(ROOM, AT, connection, True), Post(ROOM, AT, who, "over HTTP"),
    )  # fmt: skip
    return found


KINDS = [
    "participant_joined", "message", "message_edited", "reaction", "topic_changed", "participant_renamed",
    "message_deleted", "participant_left", "message",
]  # fmt: skip


def test_all_that_the_holder_of_a_name_does_is_verified(court: Court) -> None:
    found = everything(court, reserve(court, "Ada", "holder"))
    assert [event.__struct_config__.tag for event in found] == KINDS
    assert [event.verified for event in found] == [True] * len(KINDS)  # type: ignore[attr-defined]
    assert all(b'"verified":true' in encode(event) for event in found)


@pytest.mark.parametrize("trust", [Trust.NONE, Trust.WEAK, Trust.KEY])
def test_of_nobody_else_an_event_says_anything(court: Court, trust: Trust) -> None:
    reserve(court, "Ada", "holder")
    found = everything(court, person("Bob", trust))
    assert [event.__struct_config__.tag for event in found] == KINDS
    assert not any(b"verified" in encode(event) for event in found)


def test_a_token_without_a_name_of_its_own_verifies_none(court: Court) -> None:
    """Everybody may issue a token to their own key, and speak under any free name with it."""
    reserve(court, "Ada", "holder")
    bob = replace(person("Bob", Trust.VERIFIED), token="t1")
    court.token(bob.identity)
    assert not any(b"verified" in encode(event) for event in everything(court, bob))


def test_a_key_verifies_the_name_that_is_reserved_for_it(court: Court) -> None:
    """An invitation may reserve a name for somebody who has only a key."""
    who = person("Ada")
    reserve(court, "Ada", "ada")
    assert all(event.verified for event in everything(court, who))  # type: ignore[attr-defined]
    assert not is_verified(court.server, replace(who, trust=Trust.WEAK)), "such a key can be guessed"


def test_a_name_is_verified_from_when_it_is_taken(court: Court) -> None:
    court.enter(replace(person("Countess"), identity=ident("ada")))
    reserve(court, "Ada", "ada")
    ada = replace(person("Countess"), identity=ident("ada"))
    connection = "node/1/Countess"
    spoke = Post(ROOM, AT, ada, "hello", connection=connection)
    events = events_of(court, spoke, replace(renaming(ada, "Ada"), connection=connection), spoke)
    assert [event.verified for event in events] == [False, True, True]  # type: ignore[attr-defined]


def test_a_participant_that_is_sent_away_was_verified(court: Court) -> None:
    holder = reserve(court, "Ada", "holder")
    court.enter(holder)
    kicked = court.rule(Kick(ROOM, AT, person("moderator"), called("Ada")))
    assert isinstance(kicked, tuple)
    assert kicked[1] == ParticipantLeft(3, NOW, "Ada", "kicked", verified=True)


def test_a_moderator_s_deletions_are_verified(court: Court) -> None:
    moderator = reserve(court, "moderator", "moderator")
    message = Message(1, NOW, "Eve", "spam")
    court.room.last = 1
    court.room.targets[1] = TargetMessage(message, ident("Eve"))
    deleted = court.rule(DeleteMessages(ROOM, AT, moderator, (1,)))
    assert isinstance(deleted, tuple)
    assert [fact.verified for fact in deleted if isinstance(fact, MessageDeleted)] == [True]


def test_a_holder_displaces_itself_under_no_name(court: Court) -> None:
    own, eve = replace(person("Adа"), identity=ident("holder")), person(SPOOF)
    court.enter(own)
    court.room.admit(eve.name_key, participant(eve))
    holder = reserve(court, "Ada", "holder")
    outcome = decide(court.room, connecting(holder))
    assert isinstance(outcome, tuple)
    assert [fact for fact in outcome if isinstance(fact, Evicted)] == [Evicted(eve.name_key)]


def test_refusals_of_names_say_whose_they_are(court: Court) -> None:
    reserve(court, "Ada", "holder")
    court.enter(person("Bob"), person("Eve"))
    assert decide(court.room, connecting(person("ADA"))) == Rejection(
        "name_taken", "The name 'ADA' is reserved for somebody else; choose another one."
    )
    assert decide(court.room, replace(renaming(person("Bob"), "EVE"), connection="node/1/Bob")) == Rejection(
        "name_taken", "The name 'EVE' is taken here; choose another one."
    )
    holder = reserve(court, "Zoe", "zoe")
    court.enter(holder)
    renamed = replace(renaming(holder, "Zora"), connection="node/1/Zoe")
    assert decide(court.room, renamed) == Rejection("not_allowed", "You are 'Zoe' in every room: your token says so.")


def test_a_renaming_is_the_next_event_of_the_room(court: Court) -> None:
    court.enter(person("Bob"))
    (event,) = events_of(court, replace(renaming(person("Bob"), "Robert"), connection="node/1/Bob"))
    assert event == ParticipantRenamed(2, NOW, "Bob", "Robert")


def test_a_full_room_takes_in_moderators_and_those_who_are_there_and_nobody_else(court: Court) -> None:
    court.enter(person("Ada"), person("Bob"))
    eve = connecting(person("Eve"))
    assert court.do(replace(eve, most=2)) == "room_full"
    assert court.do(replace(connecting(person("Ada")), connection="node/1/9", most=2)) == ""
    assert court.do(replace(connecting(person("moderator")), most=2)) == ""
    assert court.do(replace(eve, most=4)) == ""
    assert court.do(replace(connecting(person("Zoe")), most=0)) == "", "no limit"
