"""A ruling over HTTP is about those whom it names, in the room that it names, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.asking import Answer, ask, refusal
from tests.support.server import Server
from tests.support.wire import Wire

OWNER, EVE, BOB = "o" * 43, "e" * 43, "b" * 43
NEXT_ROOM = 1 << 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = (
        "--room-rate",
        "0",
        "--trusted-proxy",
        "127.0.0.1",
        "--join-rate",
        "0",
        "--read-rate",
        "0",
        "--message-rate",
        "0",
    )
    with Server(tmp_path_factory.mktemp("server") / "data", *options) as running:
        yield running


@pytest.fixture
def room(server: Server) -> str:
    created: str = server.ask("POST", "/v1/rooms", {"name": "x"}, token=OWNER)["id"]
    return created


def rule(server: Server, room: str, method: str, path: str, body: Any = None, key: str = OWNER) -> Answer:
    return ask(server, method, f"/v1/rooms/{room}/{path}", body, {"Authorization": f"Bearer {key}"})


def say(server: Server, room: str, name: str, key: str = "", address: str = "") -> Answer:
    """A message, from ``address`` behind a proxy."""
    headers = ({"Authorization": f"Bearer {key}"} if key else {}) | ({"X-Forwarded-For": address} if address else {})
    return ask(server, "POST", f"/v1/rooms/{room}/messages", {"participant": name, "text": f"{name} speaks"}, headers)


@pytest.mark.parametrize("of", [1 + NEXT_ROOM, 1 - NEXT_ROOM, -1, 1 << 40, 1 << 63, 1 << 64, 99])
def test_a_number_leads_to_no_message_of_another_room(server: Server, room: str, of: int) -> None:
    """In the store, the numbers of a room go on with those of the next one."""
    for other in (server.ask("POST", "/v1/rooms", {"name": "x"}, token=EVE)["id"] for _ in range(2)):
        say(server, other, "Secretive", EVE)
    for path, body in (("kick", {"of": of}), ("restrictions", {"act": "ban", "of": of})):
        answer = rule(server, room, "POST", path, body)
        assert refusal(answer)[0] in (400, 404)
        assert b"Secretive" not in answer.body
    assert rule(server, room, "GET", "restrictions").json == {"restrictions": []}


async def test_a_ban_by_a_message_spares_whoever_has_that_name_by_now(server: Server, room: str) -> None:
    """Attack 10: Eve spoke as Bob. Bob is here now, from an address of his own."""
    spoken = say(server, room, "Bob", EVE).json["seq"]
    behind = {"X-Forwarded-For": "192.0.2.7"}
    async with Wire(server.url, room, key=BOB, name="Bob", headers=behind) as bob:
        await bob.until("live")
        made = rule(server, room, "POST", "restrictions", {"act": "ban", "of": spoken}).json
        assert made["holds_for"] == ["identity"]
        assert refusal(rule(server, room, "POST", "kick", {"of": spoken})) == (404, "target_not_found")
        await bob.say(op="send", text="I did nothing", ref="1")
        assert (await bob.until("ack"))[-1]["ref"] == "1"
    assert refusal(say(server, room, "Other", EVE)) == (403, "banned")
    assert say(server, room, "Zoe", "z" * 43, "192.0.2.7").status == 201


async def test_a_ban_holds_for_the_address_too_for_an_hour(server: Server, room: str) -> None:
    """Attack 10: a new key and a new name from the same address, over HTTP and in the original's dialect."""
    async with Wire(server.url, room, key=EVE, name="Eve", headers={"X-Forwarded-For": "192.0.2.66"}) as eve:
        await eve.until("live")
        made = rule(server, room, "POST", "restrictions", {"act": "ban", "name": "Eve"}).json
    assert made["holds_for"] == ["identity", "name", "address"]
    for key in ("", "n" * 43, "weak"):
        assert refusal(say(server, room, "Harmless", key, "192.0.2.66")) == (403, "banned")
        assert say(server, room, "Harmless", key, "192.0.2.67").status == 201
    again = ask(server, "GET", f"/chat/join?name=Harmless&room={room}", headers={"X-Forwarded-For": "192.0.2.66"})
    assert refusal(again) == (403, "banned")
    assert refusal(say(server, room, "Harmless", EVE, "192.0.2.68")) == (403, "banned"), "the same key"
    assert refusal(say(server, room, "EVE", "n" * 43)) == (403, "banned"), "the same name"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1", "10.0.0.0/8", "x"]
)
def test_neither_this_machine_nor_a_range_is_banned(server: Server, room: str, address: str) -> None:
    """Attack 10: a restriction on loopback, which is the trusted proxy here, too."""
    answer = rule(server, room, "POST", "restrictions", {"act": "ban", "address": address})
    assert refusal(answer) == (400, "bad_request")
    assert say(server, room, "Somebody").status == 201


async def test_a_ban_of_somebody_on_this_machine_spares_the_others_there(server: Server, room: str) -> None:
    async with Wire(server.url, room, key=EVE, name="Eve", headers={"X-Forwarded-For": "127.0.0.1"}) as eve:
        await eve.until("live")
        made = rule(server, room, "POST", "restrictions", {"act": "ban", "name": "Eve"}).json
    assert made["holds_for"] == ["identity", "name"]
    assert say(server, room, "Somebody", address="127.0.0.1").status == 201


@pytest.mark.parametrize(
    "body", [{"name": "x" * 129}, {"identity": "0" * 129}, {"address": "1" * 129}, {"identity": "x"}]
)
def test_what_is_kept_of_a_ban_is_short(server: Server, room: str, body: dict[str, str]) -> None:
    answer = rule(server, room, "POST", "restrictions", {"act": "ban"} | body)
    assert refusal(answer) == (400, "bad_request")


def test_nobody_bans_all_who_post_without_a_key(server: Server, room: str) -> None:
    """Attack 10: the anonymous identity."""
    spoken = say(server, room, "Anybody").json["seq"]
    for whom in ({"identity": "00" * 16}, {"of": spoken}, {"name": "Anybody"}):
        rule(server, room, "POST", "restrictions", {"act": "ban"} | whom)
    assert say(server, room, "Somebody").status == 201
    assert refusal(say(server, room, "Anybody")) == (403, "banned"), "a name can be"


def test_a_token_for_one_room_tells_nothing_of_others(server: Server, room: str) -> None:
    """A job's token, once stolen, must not show the ids of all rooms that its name was ever given."""
    other = server.ask("POST", "/v1/rooms", {"name": "secret"}, token=OWNER)["id"]
    tokens = [server.operate("POST", "/v1/tokens", {"name": "ci", "room": one}) for one in (room, other)]
    wide = server.operate("POST", "/v1/tokens", {"name": "ci"})
    narrow = {"Authorization": f"Bearer {tokens[0]['token']}"}
    for path in ("/v1/me", "/v1/tokens"):
        shown = ask(server, "GET", path, headers=narrow)
        assert room.encode() in shown.body
        assert other.encode() not in shown.body
        assert other.encode() in ask(server, "GET", path, headers={"Authorization": f"Bearer {wide['token']}"}).body
    for one in (tokens[1], wide):
        assert refusal(ask(server, "DELETE", f"/v1/tokens/{one['id']}", headers=narrow)) == (403, "not_allowed")
    assert ask(server, "DELETE", f"/v1/tokens/{tokens[0]['id']}", headers=narrow).status == 204
