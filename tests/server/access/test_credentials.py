"""Attacks 3 and 7: a credential counts in one place, as it is, and is told to nobody."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chatty.credentials import new_invitation, new_token
from tests.server.access.callers import World, started
from tests.server.asking import UPGRADE, ask, raw, refusal
from tests.support.server import CHATTY, ROOT, Server, environment

KEY: Final = "k" * 43
GUESSABLE: Final = "k" * 31


@pytest.fixture(scope="module", params=["open", "token"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    served, secret = started(tmp_path_factory.mktemp("world") / "data", request.param)
    with served:
        yield World(served, request.param, secret)


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def rows(world: World) -> dict[str, int]:
    """How many rows there are of all that somebody could own or be."""
    with closing(sqlite3.connect(world.server.data / "chatty.db")) as db:
        tables = ("tokens", "names", "grants", "rooms", "participants", "receipts", "audit", "events")
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608


# --- where a credential is ----------------------------------------------------------------------------------

ADDRESSES: Final = [
    "/chat/join?name=Eve&room={room}&",
    "/v1/rooms/{room}/ws?name=Eve&",
    "/v1/rooms/{room}/stream?",
    "/v1/rooms/{room}/events?",
    "/v1/rooms/{room}?",
    "/v1/me?",
    "/v1?",
    "/healthz?",
    "/nowhere?",
]
NAMES: Final = [
    "token",
    "access_token",
    "id_token",
    "refresh_token",
    "auth",
    "key",
    "password",
    "invitation",
    "Token",
    "ACCESS_TOKEN",
    "to%6ben",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_credential_in_a_query_is_refused_even_if_it_is_valid(world: World, name: str) -> None:
    """Attack 3, also beside a valid header."""
    for address in ADDRESSES:
        path = f"{address.format(room=world.room)}{name}={world.admin}"
        for headers in ({}, bearer(world.admin), UPGRADE | bearer(world.admin)):
            assert refusal(ask(world.server, "GET", path, headers=headers)) == (400, "bad_request"), path
        harmless = f"{address.format(room=world.room)}{name}="
        assert refusal(ask(world.server, "GET", harmless, headers=bearer(world.admin))) == (400, "bad_request")
    assert refusal(ask(world.server, "POST", f"/chat?name=x&{name}={world.admin}")) == (400, "bad_request")
    body = {"participant": "admin", "text": "x"}
    said = ask(world.server, "POST", f"/v1/rooms/{world.room}/messages?{name}=x", body, bearer(world.admin))
    assert refusal(said) == (400, "bad_request")


def test_a_secret_is_refused_under_any_name_and_in_a_path(world: World) -> None:
    """Attack 3: an address with a token in it is logged, whatever the token is called there."""
    owner = world.server.ask("POST", "/v1/rooms", {"name": "x"}, token=world.admin)["owner_token"]
    for secret in (world.admin, owner, new_token()):
        for path in (
            f"/v1/rooms/{world.room}/events?q={secret}", f"/v1/rooms/{world.room}/events?x={quote(' ' + secret)}",
            f"/v1/rooms/{secret}", f"/v1/me?{secret}", f"/v1/rooms/{world.room}/ws?name=Eve&room={secret}",
            f"/v1/me?x={secret.replace('_', '%5f')}",
        ):  # fmt: skip
            assert refusal(ask(world.server, "GET", path, headers=bearer(world.admin))) == (400, "bad_request"), path
        revoked = ask(world.server, "DELETE", f"/v1/tokens/{secret}", headers=bearer(world.admin))
        assert refusal(revoked) == (400, "bad_request")
    assert ask(world.server, "GET", "/v1/me", headers=bearer(world.admin)).status == 200


def test_what_only_looks_like_a_credential_is_searched_for(world: World) -> None:
    for text in ("token", "password", "chatty_t", "owner_of_the_house"):
        path = f"/v1/rooms/{world.room}/events?q={text}"
        assert ask(world.server, "GET", path, headers=bearer(world.admin)).status == 200


@pytest.mark.parametrize("path", ["/v1/me", "/healthz", "/v1/rooms/{room}", "/v1/rooms/{room}/ws?name=Eve"])
@pytest.mark.parametrize(
    "headers",
    [
        ("Authorization: Bearer {admin}", "Authorization: Bearer {admin}"),
        ("Authorization: Bearer {admin}", "Authorization: Basic eA=="),
        ("Authorization: Bearer {admin}", "Sec-WebSocket-Protocol: chatty.v1, chatty.key.{key}"),
        ("Authorization: Bearer {key}", "Sec-WebSocket-Protocol: chatty.key.{admin}"),
        ("Sec-WebSocket-Protocol: chatty.v1, chatty.key.{admin}, chatty.key.{key}",),
        ("Sec-WebSocket-Protocol: chatty.key.{key}", "Sec-WebSocket-Protocol: chatty.v1, chatty.key.{admin}"),
        ("Authorization: Bearer {key}", "Sec-WebSocket-Protocol: x", "Sec-WebSocket-Protocol: chatty.key.{admin}"),
    ],
)  # fmt: skip
def test_two_credentials_are_none(world: World, headers: tuple[str, ...], path: str) -> None:
    """Attack 7: which of them counts is not to be a matter of which one a proxy looks at."""
    lines = "\r\n".join(headers).format(admin=world.admin, key=KEY)
    target = path.format(room=world.room)
    answer = raw(
        world.server, f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"bad_request"' in answer


async def test_the_same_credential_twice_is_one(world: World) -> None:
    socket = connect(
        f"ws://127.0.0.1:{world.server.port}/v1/rooms/{world.room}/ws?join=false",
        subprotocols=["chatty.v1", f"chatty.key.{world.admin}"],  # type: ignore[list-item]
        additional_headers=bearer(world.admin),
    )
    async with socket as both:
        assert both.subprotocol == "chatty.v1", "and the credential isn't answered"


# --- what a credential is -----------------------------------------------------------------------------------


def broken(token: str) -> dict[str, str]:
    """A valid token, broken in every way that people and programs break it."""
    last = "0" if token[-1] != "0" else "1"
    return {
        "unknown": new_token(),
        "a letter less": token[:-1],
        "half of it": token[:30],
        "a letter more": token + "x",
        "another checksum": token[:-1] + last,
        "another letter": token[:20] + ("a" if token[20] != "a" else "b") + token[21:],
        "upper case": token.upper(),
        "lower case": token.lower(),
        "swapped case": token.swapcase(),
        "a capital": token.capitalize(),
        "without its beginning": token[3:],
        "without its kind": token.removeprefix("chatty_t"),
        "an invitation": new_invitation(),
        "an invitation without its beginning": new_invitation()[3:],
        "of another kind": token.replace("chatty_t", "chatty_i"),
        "only its kind": "chatty_t",
        "in quotes": f'"{token}"',
        "in brackets": f"<{token}>",
        "two": f"{token},{token}",
        "two headers as one": f"{token}, Bearer {token}",
        "with its scheme": f"Bearer {token}",
    }


@pytest.mark.parametrize("how", broken(new_token()))
async def test_a_broken_token_shows_nobody_anywhere(world: World, how: str) -> None:
    """Attack 7: never is it taken for a key, which would be somebody."""
    credential, server = broken(world.admin)[how], world.server
    before = await asyncio.to_thread(rows, world)
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/v1", None), ("GET", "/v1/me", None), ("GET", "/v1/tokens", None), ("POST", "/v1/tokens", {}),
        ("POST", "/v1/rooms", {"name": "x"}), ("POST", "/chat?name=x", None), ("GET", f"/v1/rooms/{world.room}", None),
        ("POST", f"/v1/rooms/{world.room}/messages", {"participant": "x", "text": "x"}),
        ("DELETE", f"/v1/rooms/{world.room}", None), ("GET", f"/chat/join?name=x&room={world.room}", None),
        ("GET", f"/v1/rooms/{world.room}/stream", None), ("PUT", "/v1/server/policy", {"everyone": "member"}),
    ]  # fmt: skip
    for method, path, body in requests:
        answer = await asyncio.to_thread(ask, server, method, path, body, bearer(credential))
        assert refusal(answer) == (401, "unauthorized"), (method, path)
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert credential.encode() not in answer.body
    for path in (f"/v1/rooms/{world.room}/ws?name=x", f"/chat/join?name=x&room={world.room}"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://127.0.0.1:{server.port}{path}", additional_headers=bearer(credential)):
                pass
        assert refused.value.response.status_code == 401
    assert await asyncio.to_thread(rows, world) == before


def test_a_token_of_another_server_is_unknown_here(world: World, tmp_path: Path) -> None:
    other, secret = started(tmp_path / "data", "token")
    with other:
        assert ask(other, "GET", "/v1/me", headers=bearer(secret)).status == 200
        assert refusal(ask(other, "GET", "/v1/me", headers=bearer(world.admin))) == (401, "unauthorized")
    assert refusal(ask(world.server, "GET", "/v1/me", headers=bearer(secret))) == (401, "unauthorized")


@pytest.mark.parametrize("key", [GUESSABLE, "owner_" + "x" * 25, "owner_", "1"])
def test_a_key_that_can_be_guessed_owns_nothing_and_is_given_nothing(world: World, key: str) -> None:
    """Attack 7: whoever guesses it would have it, too."""
    me = ask(world.server, "GET", "/v1/me", headers=bearer(key)).json
    assert (me["trust"], me["rooms"]) == ("weak", [])
    made = ask(world.server, "POST", "/v1/rooms", {"name": "x"}, bearer(key))
    if world.mode == "token":
        assert refusal(made) == (401, "unauthorized")
        return
    room = made.json["id"]
    assert refusal(ask(world.server, "PUT", f"/v1/rooms/{room}/policy", {"locked": True}, bearer(key)))[0] == 403
    assert refusal(ask(world.server, "DELETE", f"/v1/rooms/{room}", headers=bearer(key))) == (403, "not_allowed")
    world.rule("PUT", f"/v1/rooms/{room}/members/{me['identity']}", {"role": "owner"})
    assert refusal(ask(world.server, "DELETE", f"/v1/rooms/{room}", headers=bearer(key))) == (403, "not_allowed")
    assert refusal(ask(world.server, "POST", "/v1/tokens", {}, bearer(key))) == (403, "not_allowed")
    assert refusal(ask(world.server, "GET", "/v1/tokens", headers=bearer(key))) == (401, "unauthorized")


def test_one_that_is_a_character_longer_owns_what_it_makes(world: World) -> None:
    made = world.server.ask("POST", "/v1/rooms", {"name": "x"}, token=world.admin)
    for key in (made["owner_token"], world.admin):
        changed = ask(world.server, "PUT", f"/v1/rooms/{made['id']}/policy", {"locked": True}, bearer(key))
        assert changed.status == 204
    if world.mode == "open":
        room = ask(world.server, "POST", "/v1/rooms", {"name": "x"}, bearer(GUESSABLE + "k")).json["id"]
        assert ask(world.server, "DELETE", f"/v1/rooms/{room}", headers=bearer(GUESSABLE + "k")).status == 204


# --- where a credential never is ----------------------------------------------------------------------------


def test_planted_secrets_are_in_no_log_answer_metric_or_list_of_processes(tmp_path: Path) -> None:
    """Attack 3: at the most talkative level, in requests that are right, wrong, and not even HTTP."""
    file, token = tmp_path / "admin-token", new_token()
    file.write_text(token)
    key, owner = "planted-key-" + "k" * 32, ""
    options = ("--access", "open", "--admin-token-file", str(file), "--log-level", "debug", "--log-format", "json")
    with Server(tmp_path / "data", *options) as server:
        made = server.ask("POST", "/v1/rooms", {"name": "x"}, token=key)
        room, owner = made["id"], made["owner_token"]
        issued = server.ask("POST", "/v1/tokens", {"name": "ci"}, token=token)["token"]
        invited = server.ask("POST", f"/v1/rooms/{room}/invitations", {}, token=key)["invitation"]
        secrets = [token, key, owner, issued, invited]
        said, password = b"", "planted-password"
        for planted in (password, "wrong-password"):
            planting: list[tuple[str, str, Any]] = [
                ("PUT", f"/v1/rooms/{room}/policy", {"password": password}),
                ("PUT", f"/v1/rooms/{room}/policy", {"password": [planted]}),
                ("POST", f"/v1/rooms/{room}/admission", {"password": planted}),
                ("POST", f"/v1/rooms/{room}/admission", {"password": planted, "name": {planted: planted}}),
                ("GET", f"/v1/rooms/{room}/events?password={planted}", None), ("GET", f"/v1/rooms/{room}/policy", None),
            ]  # fmt: skip
            for method, path, body in planting:
                said += ask(server, method, path, body, bearer(key)).body
        for secret in secrets:
            for method, path, body in (
                ("GET", "/v1/me", None), ("GET", f"/v1/rooms/{room}?token={secret}", None),
                ("GET", f"/{secret}", None), ("GET", f"/v1/rooms/{secret}/events", None), ("PUT", "/v1/me", None),
                ("POST", "/v1/tokens", {"name": "x", "role": secret}), ("POST", "/v1/tokens", [secret]),
                ("POST", "/v1/rooms", {"name": 1, secret: secret}), ("POST", "/v1/rooms", {"name": secret * 9}),
                ("PUT", f"/v1/rooms/{room}/policy", {"everyone": secret}),
                ("POST", f"/v1/rooms/{room}/admission", {"invitation": secret}),
                ("POST", f"/v1/rooms/{room}/admission", {"invitation": secret, "password": [secret]}),
                ("DELETE", f"/v1/rooms/{room}/invitations/{secret}", None),
                ("GET", f"/v1/rooms/{room}/ws?name={secret}", None),
            ):  # fmt: skip
                answer = ask(server, method, path, body, bearer(secret))
                said += answer.body + str(answer.headers).encode()
            for request in (
                f"GET /{secret} HTTP/9\r\n\r\n", f"GET / HTTP/1.1\r\nAuthorization Bearer {secret}\r\n\r\n",
                f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\x00\r\n\r\n", f"{secret}\r\n\r\n",
                f"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {secret}\r\n\r\n",
            ):  # fmt: skip
                said += raw(server, request.encode())
        said += ask(server, "GET", "/metrics").body + ask(server, "GET", "/v1/rooms/x", headers=bearer(token)).body
        said += ask(server, "GET", f"/v1/rooms/{room}/invitations", headers=bearer(key)).body
        for path in ("/v1/me", "/v1/tokens?all=true", "/v1/server/members", "/v1/server/audit"):
            said += ask(server, "GET", path, headers=bearer(token)).body
        processes = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        server.stop()
        command = [*CHATTY, "doctor", "--data", str(server.data)]
        said += subprocess.run(command, capture_output=True, cwd=ROOT, env=environment(), check=False).stdout
        secrets += [password, "wrong-password"]
        for secret in secrets:
            assert secret not in server.log
            assert secret not in processes
            assert not [
                file for file in server.data.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()
            ]
    assert [secret for secret in secrets if secret.encode() in said] == []
