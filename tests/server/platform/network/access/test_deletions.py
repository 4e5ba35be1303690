"""Messages of others are deleted by their numbers, or by those who wrote them: all of these, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chatty.server.business.moderation.deleting import MOST_DELETED
from tests.server.asking import Answer, ask, refusal
from tests.support.server import Server

OWNER, EVE, BOB, MOD = "o" * 43, "e" * 43, "b" * 43, "m" * 43
HERE = {"X-Forwarded-For": "198.51.100.1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = ("--room-rate", "0", "--trusted-proxy", "127.0.0.1", "--join-rate", "0", "--message-rate", "0")
    with Server(tmp_path_factory.mktemp("server") / "data", *options) as running:
        yield running


class Place:
    """A room of its owner's."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.id = server.ask("POST", "/v1/rooms", {"name": "x"}, token=OWNER)["id"]

    def rule(self, path: str, body: Any, key: str = OWNER, method: str = "POST") -> Answer:
        headers = {"Authorization": f"Bearer {key}", **HERE}
        return ask(self.server, method, f"/v1/rooms/{self.id}/{path}", body, headers)

    def delete(self, key: str = OWNER, **which: Any) -> Any:
        answer = self.rule("deletions", which, key)
        return answer.json if answer.status == 200 else refusal(answer)[1]

    def say(self, name: str, key: str = "", address: str = "203.0.113.9", text: str = "hello") -> int:
        headers = {"X-Forwarded-For": address} | ({"Authorization": f"Bearer {key}"} if key else {})
        said = {"participant": name, "text": text}
        seq: int = ask(self.server, "POST", f"/v1/rooms/{self.id}/messages", said, headers).json["seq"]
        return seq

    def events(self, kind: str) -> list[Any]:
        return [event for event in self.server.history(self.id) if event["event_type"] == kind]

    @property
    def left(self) -> list[int]:
        """The numbers of the messages that have a text."""
        return [event["seq"] for event in self.events("message") if event["text"]]


@pytest.fixture
def place(server: Server) -> Place:
    return Place(server)


def test_messages_are_deleted_by_their_numbers(place: Place) -> None:
    one, two, three = place.say("Eve", EVE), place.say("Bob", BOB), place.say("Eve", EVE)
    assert place.delete(messages=[three, one, 99, one]) == {"deleted": 2, "kept": 1}
    assert place.left == [two]
    assert [(event["of"], event["author"]) for event in place.events("message_deleted")] == [(1, "Eve"), (3, "Eve")]
    assert place.events("moderated") == [], "members see which are gone, and need no more words"
    assert place.delete(messages=[one]) == "message_not_found"


def test_an_author_is_found_by_a_message_under_all_names(place: Place) -> None:
    place.say("Eve", EVE)
    other = place.say("Bob", BOB)
    last = place.say("Eva", EVE)
    assert place.delete(of=last) == {"deleted": 2}
    assert place.left == [other]
    (told,) = place.events("moderated")
    assert (told["act"], "by" in told) == ("delete", False), "the owner has no name here"


def test_a_name_is_found_whichever_key_used_it(place: Place) -> None:
    place.say("Eve", EVE)
    place.say("Eve")
    other = place.say("Evelyn", BOB)
    assert place.delete(name="Eve", reason="spam") == {"deleted": 2}
    assert place.left == [other]
    (told,) = place.events("moderated")
    assert (told["participant"], told["reason"]) == ("Eve", "spam")


def test_of_those_without_a_key_the_name_tells_one_from_others(place: Place) -> None:
    spam = place.say("curl")
    other = place.say("another")
    keyed = place.say("curl", EVE)
    assert place.delete(of=spam) == {"deleted": 1}
    assert place.left == [other, keyed]


def test_a_ban_finds_all_that_came_from_the_same_address(place: Place) -> None:
    """They speak over HTTP, so that nobody is connected: with keys, each of them once, and without."""
    for number in range(5):
        place.say(f"spam{number}", f"{number:043}")
    last = place.say("spam5")
    others = [place.say("Bob", BOB, "198.51.100.7"), place.say("another", "", "198.51.100.7")]
    made = place.rule("restrictions", {"act": "ban", "of": last}).json
    assert (made["holds_for"], made["authors"]) == (["name", "address"], 6)
    headers = {"X-Forwarded-For": "203.0.113.9"}
    again = ask(place.server, "POST", f"/v1/rooms/{place.id}/messages", {"participant": "z", "text": "z"}, headers)
    assert refusal(again)[1] == "banned"
    assert place.delete(restriction=made["id"]) == {"deleted": 6}
    assert place.left == others
    assert place.delete(restriction=made["id"]) == {"deleted": 0}
    place.rule(f"restrictions/{made['id']}", None, method="DELETE")
    assert place.delete(restriction=made["id"]) == "target_not_found", "a lifted one accuses nobody any more"


def test_bearers_of_tokens_are_not_accused_for_their_address(place: Place) -> None:
    token = place.server.operate("POST", "/v1/tokens", {"name": f"carol-{place.id[:8]}"})["token"]
    carol = place.say("", token)
    place.say("Eve", EVE)
    made = place.rule("restrictions", {"act": "ban", "name": "nobody-of-this-name"}).json
    assert made["authors"] == 1
    made = place.rule("restrictions", {"act": "ban", "of": place.left[-1]}).json
    assert place.delete(restriction=made["id"]) == {"deleted": 1}
    assert place.left == [carol]


def test_messages_of_equals_and_ones_own_are_kept(place: Place) -> None:
    place.say("Mod", MOD)
    place.rule(
        "members/" + place.server.ask("GET", "/v1/me", token=MOD)["identity"], {"role": "moderator"}, method="PUT"
    )
    assert place.delete(MOD, name="Mod") == {"deleted": 0}, "nobody means themselves by a name"
    assert place.delete(MOD, messages=[1]) == {"deleted": 1}
    mine = place.say("Olga", OWNER)
    place.say("Eve", EVE)
    assert place.delete(MOD, messages=[mine, mine + 1]) == {"deleted": 1, "kept": 1}
    assert place.delete(MOD, messages=[mine]) == "not_allowed"
    assert place.delete(MOD, name="Olga") == "not_allowed"
    assert place.delete(EVE, messages=[mine]) == "not_allowed"


def test_older_messages_may_be_left_alone(place: Place) -> None:
    old, new = place.say("Eve", EVE), place.say("Eve", EVE)
    since = next(event["at"] for event in place.events("message") if event["seq"] == new)
    before = next(event["at"] for event in place.events("message") if event["seq"] == old)
    deleted = 1 if since > before else 2  # both within one millisecond
    assert place.delete(of=old, since=since) == {"deleted": deleted}
    assert place.delete(name="Eve", since="2999-01-01T00:00:00Z") == {"deleted": 0}


def test_many_are_deleted_a_part_at_a_time_and_announced_once(place: Place) -> None:
    count = MOST_DELETED + 5
    for number in range(count):
        place.say("Eve", EVE, text=f"spam {number}")
    assert place.delete(name="Eve") == {"deleted": count}
    assert place.left == []
    assert len(place.events("moderated")) == 1
    audit = place.rule("audit", None, method="GET").json["entries"]
    assert [entry["what"] for entry in audit] == ["deleted 5 messages", f"deleted {MOST_DELETED} messages"]


@pytest.mark.parametrize(
    ("which", "code"),
    [
        ({}, "bad_request"),
        ({"name": "a", "of": 1}, "bad_request"),
        ({"name": "a", "since": "yesterday"}, "bad_request"),
        ({"name": "a", "since": "2026-01-01T00:00:00"}, "bad_request"),
        ({"of": 99}, "message_not_found"),
        ({"restriction": "x" * 12}, "target_not_found"),
        ({"messages": [0]}, "message_not_found"),
        ({"messages": [-1]}, "bad_request"),
        ({"messages": [1 << 33]}, "bad_request"),
        ({"messages": list(range(1_001))}, "bad_request"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(place: Place, which: dict[str, Any], code: str) -> None:
    assert place.delete(**which) == code


def test_messages_of_the_next_room_are_another_rooms(server: Server) -> None:
    first, second = Place(server), Place(server)
    theirs = second.say("Eve", EVE)
    assert first.delete(messages=[theirs]) == "message_not_found"
    assert first.delete(name="Eve") == {"deleted": 0}
    assert second.left == [theirs]
