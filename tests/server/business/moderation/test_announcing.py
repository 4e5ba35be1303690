"""What members are told of rulings, and what they are not."""

from __future__ import annotations

from msgspec import json
from msgspec.structs import replace

from chatty.events import Moderated, rfc3339
from chatty.server.business.entries import Grant, Kick, Lift, Restrict, Ruling, SetPolicy
from chatty.server.business.moderation.announcing import announced, name_of
from chatty.server.business.rights import MEMBER, MODERATOR, OPERATOR, OWNER, POST, READER, SERVER, Principal, Trust
from tests.server.business.court import AT, ROOM, Court, banning, by_identity, called, code, ident, person


def told(court: Court, entry: Ruling) -> list[Moderated]:
    outcome = court.rule(entry)
    assert isinstance(outcome, tuple), outcome
    return [fact for fact in outcome if isinstance(fact, Moderated)]


def test_members_learn_of_all_that_changes_what_somebody_may_do_here() -> None:
    court = Court()
    court.enter(person("Eve"))
    mod, now, later = person("moderator"), rfc3339(AT), AT + 60_000
    assert told(court, Restrict(ROOM, AT, mod, "m1", called("Eve"), POST, later, reason="caps")) == [
        Moderated(2, now, "mute", "moderator", "Eve", rfc3339(later), "caps")
    ]
    assert told(court, Lift(ROOM, AT, mod, "m1")) == [Moderated(3, now, "unmute", "moderator", "Eve")]
    assert told(court, Kick(ROOM, AT, mod, called("Eve"))) == [Moderated(4, now, "kick", "moderator", "Eve")]
    assert told(court, banning("moderator", called("Eve"))) == [Moderated(6, now, "ban", "moderator", "Eve")]
    assert told(court, Lift(ROOM, AT, mod, "r1")) == [Moderated(7, now, "unban", "moderator", "Eve")]
    assert told(court, SetPolicy(ROOM, AT, person("owner"), READER, locked=True, slow=2_500)) == [
        Moderated(8, now, "everyone", "owner", role="reader"),
        Moderated(9, now, "lock", "owner"),
        Moderated(10, now, "slow", "owner", slow=2.5),
    ]
    assert told(court, SetPolicy(ROOM, AT, mod, slow=0, locked=False)) == [
        Moderated(11, now, "unlock", "moderator"),
        Moderated(12, now, "slow", "moderator"),
    ]


def test_roles_and_the_role_that_sets_the_topic_are_nobody_elses_business() -> None:
    court = Court()
    assert told(court, Grant(ROOM, AT, person("owner"), by_identity("Bob"), MEMBER)) == []
    assert told(court, SetPolicy(ROOM, AT, person("owner"), topic=MODERATOR)) == []


def test_nobody_is_told_of_what_holds_on_the_whole_server() -> None:
    court = Court()
    admin = person("admin")
    assert told(court, Restrict(SERVER, AT, admin, "r1", by_identity("Eve"), OWNER)) == []
    assert told(court, SetPolicy(SERVER, AT, admin, READER)) == []


def test_no_address_identity_or_id_is_told() -> None:
    court = Court()
    eve = ident("Eve")
    nameless = Principal(ident("moderator"), Trust.KEY)
    ruling = Restrict(
        ROOM, AT, nameless, "secret-id", by_identity("Eve"), OWNER, 0, ("192.0.2.1",), AT + 1, "", ((eve, ""),)
    )
    body = json.encode(told(court, ruling)).decode()
    for secret in ("secret-id", "192.0.2.1", eve.hex(), eve.decode(), "key "):
        assert secret not in body
    assert told(court, replace(ruling, id="r2", who=OPERATOR)) == [Moderated(2, rfc3339(AT), "ban")]


def test_somebody_who_is_in_the_room_is_called_as_they_are_there() -> None:
    """Over HTTP a key comes without a name, and an identity always does."""
    court = Court()
    court.enter(Principal(ident("moderator"), Trust.KEY, "Mona", "mona"), person("Eve"))
    mona = Principal(ident("moderator"), Trust.KEY)
    ruling = Restrict(ROOM, AT, mona, "r1", by_identity("Eve"), POST)
    assert told(court, ruling) == [Moderated(3, rfc3339(AT), "mute", "Mona", "Eve")]


def test_nothing_follows_the_end_of_a_room() -> None:
    court = Court()
    court.room.closed_at = AT
    assert code(court.rule(banning("moderator", called("Eve")))) == ""
    assert told(court, SetPolicy(ROOM, AT, person("moderator"), locked=True)) == []


def test_somebody_without_a_name_is_called_as_in_the_room_by_the_first_of_its_names() -> None:
    court = Court()
    for name in ("Zed", "Ada"):
        court.enter(replace(person(name), identity=ident("key")))
    assert name_of(court.room, ident("key")) == "Ada"
    assert name_of(court.room, ident("key"), "Given") == "Given"
    assert [name_of(court.room, identity) for identity in (ident("other"), b"")] == ["", ""]
    assert name_of(court.server, ident("key")) == ""
    assert isinstance(announced(court.room, person("owner"), AT, {"act": "lock"}), tuple)
