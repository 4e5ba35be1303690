"""v1 over HTTP, row by row of docs/protocol.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.server.asking import ask, refusal
from tests.support.server import Server

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOWHERE = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"


def say(server: Server, room: str, text: str, **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(server, "POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": text}, sent)


def page(server: Server, room: str, query: str = "") -> Any:
    answer = ask(server, "GET", f"/v1/rooms/{room}/events?{query}")
    assert answer.status == 200
    assert list(answer.json) == ["events", "epoch", "first", "last", "more"]
    return answer.json


def seqs(found: Any) -> list[int]:
    return [event["seq"] for event in found["events"]]


@pytest.fixture(scope="module")
def long_room(server: Server) -> str:
    """A room with 30 messages."""
    room: str = server.make_room("long")["id"]
    for number in range(30):
        say(server, room, str(number))
    return room


# --- rooms --------------------------------------------------------------------------------------------------


def test_creating_a_room_shows_all_of_it_and_where_it_is(server: Server) -> None:
    answer = ask(server, "POST", "/v1/rooms", {"name": " deploys ", "topic": "what goes out", "expires_in": 3600})
    room = answer.json
    assert answer.status == 201
    assert list(room) == [
        "id", "name", "topic", "created_at", "epoch", "first", "last", "participant_count", "expires_at",
        "owner_token", "url",
    ]  # fmt: skip
    assert (room["name"], room["topic"], room["first"], room["last"]) == ("deploys", "what goes out", 1, 0)
    assert re.fullmatch(r"[0-9A-Za-z]{27}", room["id"])
    assert TIME.fullmatch(room["created_at"])
    assert TIME.fullmatch(room["expires_at"])
    assert answer.headers["Location"] == f"/v1/rooms/{room['id']}"
    assert room["url"] == f"{server.url}/v1/rooms/{room['id']}"


def test_a_room_shows_itself_without_its_owners_token(server: Server) -> None:
    made = server.make_room("shown")
    shown = ask(server, "GET", f"/v1/rooms/{made['id']}").json
    assert shown == {key: value for key, value in made.items() if key not in ("owner_token", "url")}
    assert ask(server, "HEAD", f"/v1/rooms/{made['id']}").status == 200


def test_a_room_made_through_a_proxy_with_tls_has_an_address_with_tls(server: Server) -> None:
    made = ask(server, "POST", "/v1/rooms", {"name": "deploys"}, {"X-Forwarded-Proto": "https"}).json
    assert made["url"] == f"{server.url.replace('http', 'https', 1)}/v1/rooms/{made['id']}"


def test_two_rooms_may_have_one_name_and_are_two(server: Server) -> None:
    one, other = server.make_room("twin"), server.make_room("twin")
    assert one["id"] != other["id"]
    assert one["owner_token"] != other["owner_token"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": ""}, "name_invalid"),
        ({"name": "   "}, "name_invalid"),
        ({"name": "x" * 129}, "name_invalid"),
        ({"name": "a\u202eb"}, "name_invalid"),
        ({"name": "a\x00b"}, "name_invalid"),
        ({}, "bad_request"),
        ({"name": 5}, "bad_request"),
        ({"name": None}, "bad_request"),
        ({"name": "a", "topic": "x" * 513}, "bad_request"),
        ({"name": "a", "expires_in": "60"}, "bad_request"),
        ({"name": "a", "expires_in": 0}, "bad_request"),
        ({"name": "a", "expires_in": -1}, "bad_request"),
        ({"name": "a", "expires_in": 1e12}, "bad_request"),
        ([], "bad_request"),
        ("name", "bad_request"),
        (b"", "bad_request"),
        (b"{", "bad_request"),
        (b'{"name":"\xff"}', "bad_request"),
        (b'{"name":"\\ud800"}', "bad_request"),
        (b'{"name":"a","expires_in":1e999}', "bad_request"),
        (b'{"name":"a","more":' + b"[" * 100_000, "bad_request"),
    ],
)
def test_a_room_that_can_not_be_is_refused(server: Server, body: Any, code: str) -> None:
    assert refusal(ask(server, "POST", "/v1/rooms", body)) == (400, code)


@pytest.mark.parametrize("name", ["system", "x" * 128, "日本語 \U0001f600", '"quoted" <b>'])
def test_a_room_may_have_any_name_that_people_write(server: Server, name: str) -> None:
    assert server.make_room(name)["name"] == name


def test_only_its_owner_closes_a_room_and_once(server: Server) -> None:
    made = server.make_room()
    path = f"/v1/rooms/{made['id']}"
    assert refusal(ask(server, "DELETE", path)) == (401, "unauthorized")
    assert refusal(ask(server, "DELETE", path, headers={"Authorization": "Basic eA=="})) == (401, "unauthorized")
    other = {"Authorization": f"Bearer {server.make_room()['owner_token']}"}
    assert refusal(ask(server, "DELETE", path, headers=other)) == (403, "not_allowed")
    owner = {"Authorization": f"Bearer {made['owner_token']}"}
    closed = ask(server, "DELETE", path, headers=owner)
    assert (closed.status, closed.body) == (204, b"")
    assert refusal(ask(server, "DELETE", path, headers=owner)) == (410, "room_closed")


def test_a_closed_room_takes_nothing_more_but_is_still_read(server: Server) -> None:
    made = server.make_room()
    room = made["id"]
    say(server, room, "before", Idempotency_Key="once")
    ask(server, "DELETE", f"/v1/rooms/{room}", headers={"Authorization": f"Bearer {made['owner_token']}"})
    assert refusal(say(server, room, "after")) == (410, "room_closed")
    assert say(server, room, "before", Idempotency_Key="once").status == 200
    assert TIME.fullmatch(ask(server, "GET", f"/v1/rooms/{room}").json["closed_at"])
    assert [event["event_type"] for event in page(server, room)["events"]] == ["message", "room_closed"]


# --- history ------------------------------------------------------------------------------------------------


def test_a_page_forward_begins_after_and_says_whether_there_is_more(server: Server, long_room: str) -> None:
    found = page(server, long_room, "after=10&limit=5")
    assert (seqs(found), found["more"]) == ([11, 12, 13, 14, 15], True)
    found = page(server, long_room, "after=25&limit=5")
    assert (seqs(found), found["more"]) == ([26, 27, 28, 29, 30], False)
    assert page(server, long_room, "after=30")["events"] == []
    assert (found["first"], found["last"]) == (1, 30)


def test_a_page_backward_ends_before_and_ascends(server: Server, long_room: str) -> None:
    found = page(server, long_room, "before=10&limit=5")
    assert (seqs(found), found["more"]) == ([5, 6, 7, 8, 9], True)
    found = page(server, long_room, "before=6&limit=5")
    assert (seqs(found), found["more"]) == ([1, 2, 3, 4, 5], False)
    assert page(server, long_room, "before=1")["events"] == []
    assert page(server, long_room, "before=0")["events"] == []


def test_without_a_number_the_page_is_the_newest(server: Server, long_room: str) -> None:
    found = page(server, long_room, "limit=3")
    assert (seqs(found), found["more"]) == ([28, 29, 30], True)
    assert seqs(page(server, long_room)) == list(range(1, 31))


def test_paging_through_gives_each_event_once(server: Server, long_room: str) -> None:
    forward: list[int] = []
    more = True
    while more:
        found = page(server, long_room, f"after={forward[-1] if forward else 0}&limit=7")
        forward, more = forward + seqs(found), found["more"]
    assert forward == list(range(1, 31))


def test_a_page_holds_only_the_types_that_were_asked_for(server: Server, long_room: str) -> None:
    assert page(server, long_room, "type=participant_joined")["events"] == []
    assert len(page(server, long_room, "type=participant_joined&type=message")["events"]) == 30


def test_numbers_above_the_largest_event_find_nothing(server: Server, long_room: str) -> None:
    assert page(server, long_room, "after=4294967296")["events"] == []


@pytest.mark.parametrize("name", ["after", "before", "limit"])
@pytest.mark.parametrize(
    "value", ["-1", "", "x", "1.5", "1e3", "٣", "0x10", " 1", "9" * 30, "0" * 5000 + "1", "4294967297"]
)
def test_anything_but_a_number_in_range_is_refused(server: Server, long_room: str, name: str, value: str) -> None:
    answer = ask(server, "GET", f"/v1/rooms/{long_room}/events?{name}={quote(value)}")
    assert refusal(answer) == (400, "bad_request")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "after=1&before=5", "type=nonsense", "type="])
def test_a_page_that_can_not_be_is_refused(server: Server, long_room: str, query: str) -> None:
    assert refusal(ask(server, "GET", f"/v1/rooms/{long_room}/events?{query}")) == (400, "bad_request")


# --- messages -----------------------------------------------------------------------------------------------


def test_a_message_is_answered_with_its_event_and_makes_nobody_a_participant(server: Server, room: str) -> None:
    answer = say(server, room, "build 17 is green")
    assert answer.status == 201
    assert list(answer.json) == ["event_type", "seq", "at", "participant", "text"]
    assert (answer.json["seq"], answer.json["participant"], answer.json["text"]) == (1, "ci", "build 17 is green")
    assert TIME.fullmatch(answer.json["at"])
    assert page(server, room)["events"] == [answer.json]
    assert ask(server, "GET", f"/v1/rooms/{room}/participants").json == {"participants": []}


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=utf-8"])
def test_plain_text_is_a_message_as_it_is(server: Server, room: str, kind: str) -> None:
    text = ' {"not":"json"}\n\0 é \U0001f600 '
    path = f"/v1/rooms/{room}/messages?name=ci"
    answer = ask(server, "POST", path, text.encode(), {"Content-Type": kind})
    assert (answer.status, answer.json["text"], answer.json["participant"]) == (201, text, "ci")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"participant": "ci", "text": ""}, 400, "message_empty"),
        ({"participant": "ci", "text": " \n\t\u3000"}, 400, "message_empty"),
        ({"participant": "ci", "text": "x" * 16_385}, 413, "message_too_long"),
        ({"participant": "ci", "text": "é" * 8_193}, 413, "message_too_long"),
        ({"participant": "", "text": "x"}, 400, "name_invalid"),
        ({"participant": "System", "text": "x"}, 400, "name_invalid"),
        ({"participant": "ＳＥＲＶＥＲ", "text": "x"}, 400, "name_invalid"),
        ({"participant": "x" * 33, "text": "x"}, 400, "name_invalid"),
        ({"participant": "a\u200bb", "text": "x"}, 400, "name_invalid"),
        ({"participant": "Bob │ please", "text": "x"}, 400, "name_invalid"),
        ({"participant": "-- Bob left", "text": "x"}, 400, "name_invalid"),
        ({"text": "x"}, 400, "bad_request"),
        ({"participant": "ci"}, 400, "bad_request"),
        ({"participant": "ci", "text": 5}, 400, "bad_request"),
        ({"participant": "ci", "text": None}, 400, "bad_request"),
        (b'{"participant":"ci","text":"\xff"}', 400, "bad_request"),
        (b'{"participant":"ci","text":"\\udc00"}', 400, "bad_request"),
        (b"null", 400, "bad_request"),
    ],
)
def test_a_message_that_can_not_be_is_refused_and_not_stored(
    server: Server, room: str, body: Any, status: int, code: str
) -> None:
    assert refusal(ask(server, "POST", f"/v1/rooms/{room}/messages", body)) == (status, code)
    assert page(server, room)["events"] == []


@pytest.mark.parametrize("text", ["x" * 16_384, "é" * 8_192, "\U0001f600" * 4_096])
def test_the_longest_message_is_taken(server: Server, room: str, text: str) -> None:
    assert say(server, room, text).json["text"] == text


def test_plain_text_that_is_not_utf8_is_refused(server: Server, room: str) -> None:
    answer = ask(server, "POST", f"/v1/rooms/{room}/messages?name=ci", b"\xff\xfe", {"Content-Type": "text/plain"})
    assert refusal(answer) == (400, "bad_request")


@pytest.mark.parametrize("kind", ["", "application/xml", "application/x-www-form-urlencoded", "nonsense"])
def test_other_media_types_are_refused(server: Server, room: str, kind: str) -> None:
    for path in ("/v1/rooms", f"/v1/rooms/{room}/messages"):
        answer = ask(server, "POST", path, b'{"participant":"a","text":"b","name":"c"}', {"Content-Type": kind})
        assert refusal(answer) == (415, "unsupported_media_type")


def test_a_repeated_key_stores_once_and_shows_the_first(server: Server, room: str) -> None:
    first = say(server, room, "once", Idempotency_Key="key")
    again = say(server, room, "once", Idempotency_Key="key")
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    assert len(page(server, room)["events"]) == 1


def test_a_key_that_came_with_another_message_is_a_conflict(server: Server, room: str) -> None:
    say(server, room, "once", Idempotency_Key="key")
    assert refusal(say(server, room, "twice", Idempotency_Key="key")) == (409, "idempotency_conflict")
    other = {"participant": "other", "text": "once"}
    answer = ask(server, "POST", f"/v1/rooms/{room}/messages", other, {"Idempotency-Key": "key"})
    assert refusal(answer) == (409, "idempotency_conflict")


def test_a_key_belongs_to_one_identity_and_one_room(server: Server, room: str) -> None:
    other_room = server.make_room()["id"]
    for where in (room, other_room):
        for identity in ({}, {"Authorization": "Bearer one"}, {"Authorization": "Bearer two"}):
            assert say(server, where, "once", Idempotency_Key="key", **identity).status == 201


@pytest.mark.parametrize("key", ["x" * 256, b"\xff\xfe".decode("latin-1")], ids=["too long", "no UTF-8"])
def test_a_key_that_can_not_be_kept_is_refused(server: Server, room: str, key: str) -> None:
    assert refusal(say(server, room, "x", Idempotency_Key=key)) == (400, "bad_request")
    assert page(server, room)["events"] == []


def test_a_key_may_be_any_utf8(server: Server, room: str) -> None:
    key = "Zürich 😀".encode().decode("latin-1")
    assert [say(server, room, "once", Idempotency_Key=key).status for _ in range(2)] == [201, 200]


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/participants"), ("GET", "/stream"), ("GET", "/ws"),
        ("POST", "/messages"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("room", [NOWHERE, "x", "%00", "..", "%2e%2e%2f", "é".encode().hex(), "%F0%9F%98%80"])
def test_a_room_that_is_not_there_is_not_found(server: Server, method: str, path: str, room: str) -> None:
    body = {"participant": "a", "text": "b"} if method == "POST" else None
    assert refusal(ask(server, method, f"/v1/rooms/{room}{path}?join=false", body)) == (404, "room_not_found")


@pytest.mark.parametrize("path", ["/", "/v1/rooms/", "/v2/rooms", "/chat/", "/favicon.ico", "/v1/rooms/a/b"])
def test_an_address_that_is_not_there_is_not_found(server: Server, path: str) -> None:
    answer = ask(server, "GET", path)
    assert refusal(answer) == (404, "address_not_found")
    assert "room" not in answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/chat", {"POST"}),
        ("/chat/join", {"GET"}),
        ("/v1/rooms", {"POST"}),
        ("/v1/rooms/x", {"GET", "HEAD", "DELETE"}),
        ("/v1/rooms/x/events", {"GET", "HEAD"}),
        ("/v1/rooms/x/messages", {"POST"}),
        ("/v1/rooms/x/participants", {"GET", "HEAD"}),
        ("/v1/rooms/x/stream", {"GET"}),
        ("/v1/rooms/x/ws", {"GET"}),
        ("/healthz", {"GET", "HEAD"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_answered_with_the_right_ones(
    server: Server, path: str, allowed: set[str], method: str
) -> None:
    answer = ask(server, method, path)
    assert refusal(answer) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(",")) == allowed


# --- the process --------------------------------------------------------------------------------------------


def test_the_probes_show_that_the_server_is_alive_and_can_store(server: Server) -> None:
    for path in ("/healthz", "/readyz"):
        answer = ask(server, "GET", path)
        assert (answer.status, answer.body) == (200, b"ok\n")


def test_the_metrics_count_what_happens(server: Server, room: str) -> None:
    def figures() -> dict[str, float]:
        answer = ask(server, "GET", "/metrics")
        assert answer.headers.get_content_type() == "text/plain"
        lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    before = figures()
    say(server, room, "counted")
    say(server, room, "")
    after = figures()
    assert after["chatty_events_total"] == before["chatty_events_total"] + 1
    refused = 'chatty_refusals_total{code="message_empty"}'
    assert after[refused] == before.get(refused, 0) + 1
    assert after["chatty_commit_seconds_count"] > before["chatty_commit_seconds_count"]
    assert after["chatty_connections"] == 0


def test_an_answer_does_not_reveal_the_versions_of_the_software(server: Server, room: str) -> None:
    assert "Server" not in ask(server, "GET", f"/v1/rooms/{room}").headers
    assert "Server" not in ask(server, "GET", "/chat/join?name=Ada&room=none").headers


def test_no_secret_is_in_the_data(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        made = server.make_room()
        key = "a-key-of-somebodys-" + "k" * 20
        say(server, made["id"], "said", Authorization=f"Bearer {key}")
        server.stop()
    stored = (tmp_path / "data" / "chatty.db").read_bytes()
    assert b"said" in stored
    for secret in (made["owner_token"], key):
        assert secret.encode() not in stored


def test_neither_the_log_nor_the_metrics_name_a_room_or_a_token(server: Server) -> None:
    made = server.make_room("secret name")
    say(server, made["id"], "secret text", Authorization="Bearer secret key")
    ask(server, "GET", f"/v1/rooms/{made['id']}/events?limit=-1")
    shown = server.log + ask(server, "GET", "/metrics").body.decode()
    for secret in (made["id"], made["owner_token"], "secret"):
        assert secret not in shown
