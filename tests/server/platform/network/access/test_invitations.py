"""Attacks 11 and 12 over HTTP: what lets somebody in does so once, for those it is for, and tells others nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chatty.credentials import is_invitation, new_invitation
from tests.server.asking import Answer, ask, refusal
from tests.support.server import Server

OWNER, EVE, BOB = "o" * 43, "e" * 43, "b" * 43
MISSING = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = ("--room-rate", "0", "--trusted-proxy", "127.0.0.1", "--join-rate", "0", "--message-rate", "0")
    with Server(tmp_path_factory.mktemp("server") / "data", *options) as running:
        yield running


@pytest.fixture
def room(server: Server) -> str:
    """By invitation."""
    created: str = server.ask("POST", "/v1/rooms", {"name": "den"}, token=OWNER)["id"]
    rule(server, created, "PUT", "policy", {"everyone": "nobody"})
    return created


def rule(server: Server, room: str, method: str, path: str, body: Any = None, key: str = OWNER) -> Answer:
    return ask(server, method, f"/v1/rooms/{room}/{path}", body, {"Authorization": f"Bearer {key}"})


def invite(server: Server, room: str, **fields: Any) -> Any:
    answer = rule(server, room, "POST", "invitations", fields)
    assert answer.status == 201, answer
    return answer.json


def enter(server: Server, room: str, key: str, address: str = "", **shown: str) -> Answer:
    """Ask to be admitted, from ``address`` behind a proxy."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    headers |= {"X-Forwarded-For": address} if address else {}
    return ask(server, "POST", f"/v1/rooms/{room}/admission", shown, headers)


def code(answer: Answer) -> str:
    """The code of a refusal, or an empty string."""
    return refusal(answer)[1] if answer.status >= 400 else ""


def inside(server: Server, room: str, key: str) -> bool:
    return rule(server, room, "GET", "events", key=key).status == 200


# --- invitations --------------------------------------------------------------------------------------------


def test_an_invitation_is_shown_once_and_lets_one_in(server: Server, room: str) -> None:
    made = invite(server, room)
    secret = made.pop("invitation")
    assert is_invitation(secret)
    assert (made["role"], made["uses"]) == ("member", 1)
    listed = rule(server, room, "GET", "invitations")
    assert listed.json == {"invitations": [made]}
    assert secret.encode() not in listed.body
    assert not inside(server, room, BOB)
    admitted = enter(server, room, BOB, invitation=secret, name="Bob")
    assert (admitted.status, admitted.json) == (200, {"role": "member", "room": room, "room_name": "den"})
    assert inside(server, room, BOB)
    assert code(enter(server, room, EVE, invitation=secret)) == "not_admitted"
    assert enter(server, room, BOB, invitation=secret).json["role"] == "member", "he may not have heard the answer"
    assert [one["uses"] for one in rule(server, room, "GET", "invitations").json["invitations"]] == [0]
    members = rule(server, room, "GET", "members").json["members"]
    assert [(one["name"], one["role"], one["by"]) for one in members][1:] == [("Bob", "member", made["by"])]


def test_monitoring_counts_who_was_let_in_and_who_was_not(server: Server, room: str) -> None:
    def counted() -> tuple[str, ...]:
        page = ask(server, "GET", "/metrics").body.decode()
        ways = ('sign_ins_total{way="invitation"}', 'denials_total{code="not_admitted",way="invitation"}')
        return tuple(next(line for line in page.splitlines() if line.startswith(f"chatty_{way}")) for way in ways)

    secret = invite(server, room)["invitation"]
    let_in, denied = counted()
    assert enter(server, room, BOB, invitation=secret).status == 200
    assert counted() == (plus_one(let_in), denied)
    assert code(enter(server, room, EVE, invitation=secret)) == "not_admitted"
    assert counted() == (plus_one(let_in), plus_one(denied))


def plus_one(line: str) -> str:
    name, _, count = line.rpartition(" ")
    return f"{name} {float(count) + 1}"


def test_fifty_at_once_on_one_use_admit_exactly_one(server: Server, room: str) -> None:
    """Attack 11."""
    secret = invite(server, room)["invitation"]
    keys = [f"guest-{number:02}-" + "g" * 32 for number in range(50)]
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda key: code(enter(server, room, key, invitation=secret)), keys))
    assert Counter(answers) == {"": 1, "not_admitted": 49}
    assert [key for key in keys if inside(server, room, key)] == [keys[answers.index("")]]


def test_what_admits_nobody_answers_alike_byte_for_byte(server: Server, room: str) -> None:
    """Attack 5: whether there is such a room, such an invitation, or a password."""
    open_room = server.ask("POST", "/v1/rooms", {"name": "x"}, token=OWNER)["id"]
    with_password = server.ask("POST", "/v1/rooms", {"name": "x"}, token=OWNER)["id"]
    rule(server, with_password, "PUT", "policy", {"everyone": "nobody", "password": PASSWORD})
    over = invite(server, room, expires_in=0.001)["invitation"]
    revoked = invite(server, room)
    rule(server, room, "DELETE", f"invitations/{revoked['id']}")
    foreign = invite(server, open_room)["invitation"]
    shown = [
        *({"invitation": one} for one in (over, revoked["invitation"], foreign, new_invitation(), "x", foreign[:-1])),
        {"password": "wrong horse"},
        {"password": "short"},
    ]
    answers = set()
    for number, one in enumerate(shown):
        for where in (room, with_password, MISSING, "x", "x" * 200):
            answer = enter(server, where, EVE, address=f"198.51.100.{number}", **one)
            of_each = ("Date", "X-Request-ID")
            headers = [(name, value) for name, value in answer.headers.items() if name not in of_each]
            answers.add((answer.status, answer.body, str(headers)))
    answer = ask(server, "POST", "/v1/server/admission", {"password": PASSWORD}, {"Authorization": f"Bearer {EVE}"})
    assert code(answer) == "not_admitted", "the server has no password"
    assert len(answers) == 1, answers
    assert json.loads(answers.pop()[1])["code"] == "not_admitted"


@pytest.mark.parametrize("loss", ["role", "ban", "token"])
def test_an_invitation_ends_with_its_inviter_s_rights(server: Server, room: str, loss: str) -> None:
    """Attack 11: after the inviter's removal."""
    token = server.operate("POST", "/v1/tokens", {"name": f"mod-{loss}", "room": room, "role": "moderator"})
    secret = rule(server, room, "POST", "invitations", {"uses": 9}, token["token"]).json["invitation"]
    assert enter(server, room, BOB, invitation=secret).status == 200
    match loss:
        case "role":
            rule(server, room, "PUT", f"members/mod-{loss}", {"role": "member"})
        case "ban":
            rule(server, room, "POST", "restrictions", {"act": "ban", "name": f"mod-{loss}"})
        case _:
            server.operate("DELETE", f"/v1/tokens/{token['id']}")
    assert code(enter(server, room, EVE, invitation=secret)) == "not_admitted"
    assert inside(server, room, BOB)


def test_nobody_invites_to_more_than_they_have(server: Server, room: str) -> None:
    """Attack 11."""
    token = server.operate("POST", "/v1/tokens", {"name": "mod", "room": room, "role": "moderator"})["token"]
    for role in ("moderator", "owner"):
        assert code(rule(server, room, "POST", "invitations", {"role": role}, token)) == "not_allowed"
    assert code(rule(server, room, "POST", "invitations", {"role": "nobody"})) == "bad_request"
    assert code(rule(server, room, "POST", "invitations", {"name": "Zoe"})) == "not_allowed"
    assert rule(server, room, "POST", "invitations", {"role": "reader"}, token).status == 201


def test_members_go_with_their_invitation_where_that_is_wanted(server: Server, room: str) -> None:
    made = invite(server, room, uses=2)
    for key in (BOB, EVE):
        enter(server, room, key, invitation=made["invitation"])
    assert code(rule(server, room, "DELETE", f"invitations/{made['id']}?members=perhaps")) == "bad_request"
    assert rule(server, room, "DELETE", f"invitations/{made['id']}?members=true").status == 204
    assert not inside(server, room, BOB)
    assert not inside(server, room, EVE)
    assert code(enter(server, room, BOB, invitation=made["invitation"])) == "not_admitted"


def test_an_invitation_for_a_name_gives_it_for_good(server: Server, room: str) -> None:
    made = server.operate("POST", f"/v1/rooms/{room}/invitations", {"name": "Bea", "role": "poster"})
    admitted = enter(server, room, "bea-" + "k" * 40, invitation=made["invitation"], name="Nobody")
    assert admitted.json == {"role": "poster", "room": room, "room_name": "den", "name": "Bea"}
    said = {"participant": "bea", "text": "it is me"}
    assert code(rule(server, room, "POST", "messages", said)) == "name_taken", "not even the owner is called so"
    assert rule(server, room, "POST", "messages", said, "bea-" + "k" * 40).status == 201
    uses = {"name": "Zoe", "uses": 2}
    assert code(ask(server, "POST", f"/v1/rooms/{room}/invitations", uses, {"Authorization": f"Bearer {OWNER}"}))


def test_the_server_s_invitations_are_sign_ups(server: Server) -> None:
    made = server.operate("POST", "/v1/server/invitations", {"role": "member"})
    ada = {"Authorization": "Bearer " + "a" * 43}
    admitted = ask(server, "POST", "/v1/server/admission", {"invitation": made["invitation"]}, ada)
    assert admitted.json == {"role": "member"}
    assert ask(server, "GET", "/v1/me", headers=ada).json["role"] == "member"
    assert [one["id"] for one in server.operate("GET", "/v1/server/invitations")["invitations"]] == [made["id"]]
    server.operate("DELETE", f"/v1/server/invitations/{made['id']}?members=true")
    assert server.operate("GET", "/v1/server/members")["members"] == []


def test_a_key_that_can_be_guessed_is_told_so_and_uses_nothing_up(server: Server, room: str) -> None:
    """Attack 7."""
    secret = invite(server, room)["invitation"]
    for shown in ({"invitation": secret}, {"password": PASSWORD}, {"invitation": "x"}):
        assert [refusal(enter(server, room, key, **shown)) for key in ("", "short")] == [
            (401, "unauthorized"), (403, "not_allowed"),
        ]  # fmt: skip
    assert enter(server, room, BOB, invitation=secret).status == 200


def test_one_thing_at_a_time_is_shown(server: Server, room: str) -> None:
    for shown in ({}, {"invitation": "x", "password": PASSWORD}):
        assert code(enter(server, room, BOB, **shown)) == "bad_request"


# --- passwords ----------------------------------------------------------------------------------------------


def test_a_password_is_exchanged_once_for_a_membership(server: Server, room: str) -> None:
    assert rule(server, room, "PUT", "policy", {"password": PASSWORD}).status == 204
    shown = rule(server, room, "GET", "policy")
    assert (shown.json["has_password"], "password" in shown.json) == (True, False)
    assert b"argon" not in shown.body
    assert enter(server, room, BOB, password="correct\u00a0horse").json["role"] == "member"
    rule(server, room, "PUT", "policy", {"password": "another horse"})
    assert code(enter(server, room, EVE, password=PASSWORD)) == "not_admitted"
    assert enter(server, room, EVE, password="another horse").status == 200
    rule(server, room, "PUT", "policy", {"password": ""})
    assert code(enter(server, room, "z" * 43, password="another horse")) == "not_admitted"
    assert inside(server, room, BOB), "members stay"
    assert not rule(server, room, "GET", "policy").json["has_password"]
    audit = rule(server, room, "GET", "audit").json["entries"]
    assert [one["what"] for one in audit if "password" in one["what"]] == [
        "policy: password removed", "gave the password", "policy: password changed", "gave the password",
        "policy: password changed",
    ]  # fmt: skip


def test_only_a_room_s_owner_gives_it_a_password_that_is_one(server: Server, room: str) -> None:
    token = server.operate("POST", "/v1/tokens", {"name": "keeper", "room": room, "role": "moderator"})["token"]
    assert code(rule(server, room, "PUT", "policy", {"password": PASSWORD}, token)) == "not_allowed"
    for password in ("short", "x" * 129, "line\nfeed here"):
        assert code(rule(server, room, "PUT", "policy", {"password": password})) == "bad_request"
    with pytest.raises(AssertionError, match="The server has no password"):
        server.operate("PUT", "/v1/server/policy", {"password": PASSWORD})


def guess(server: Server, room: str, address: str, key: str = EVE) -> int:
    return enter(server, room, key, address=address, password="wrong horse").status


def test_of_a_thousand_wrong_passwords_five_are_checked(server: Server, room: str) -> None:
    """Attack 12, from one source, with keys of its own for each. Members need no password, so none is shut out."""
    rule(server, room, "PUT", "policy", {"password": PASSWORD})
    assert enter(server, room, BOB, password=PASSWORD).status == 200
    address = "203.0.113.9"
    with ThreadPoolExecutor(16) as crowd:
        found = Counter(
            crowd.map(lambda number: guess(server, room, address, f"eve-{number:04}-" + "e" * 32), range(1_000))
        )
    assert found == {403: 5, 429: 995}
    refused = enter(server, room, EVE, address=address, password=PASSWORD)
    assert refusal(refused) == (429, "rate_limited"), "nor a right one"
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert inside(server, room, BOB)
    assert enter(server, room, EVE, address="203.0.113.10", password=PASSWORD).status == 200
    secret = invite(server, room)["invitation"]
    assert enter(server, room, "z" * 43, address=address, invitation=secret).status == 200


def test_those_who_know_the_password_may_come_as_often_as_they_like(server: Server, room: str) -> None:
    rule(server, room, "PUT", "policy", {"password": PASSWORD})
    keys = [f"office-{number}-" + "k" * 32 for number in range(12)]
    assert [enter(server, room, key, address="203.0.113.20", password=PASSWORD).status for key in keys] == [200] * 12


def test_somebody_who_hangs_up_has_guessed_all_the_same(server: Server, room: str) -> None:
    """Attack 12, hanging up midway."""
    rule(server, room, "PUT", "policy", {"password": PASSWORD})
    body = json.dumps({"password": "wrong horse"}).encode()
    head = (
        f"POST /v1/rooms/{room}/admission HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {EVE}\r\n"
        f"X-Forwarded-For: 203.0.113.30\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(30):
        with server.dial() as line:
            line.sendall(head.encode() + body)
    while guess(server, room, "203.0.113.30") == 403:
        pass  # a request that was hung up on early may not have been read
    assert enter(server, room, BOB, address="203.0.113.31", password=PASSWORD).status == 200
