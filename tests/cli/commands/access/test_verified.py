"""On a server that verifies names, a name that only somebody's key goes by proves nothing to a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import chatty
from tests.cli.commands.test_bot import bot, ended
from tests.cli.commands.test_send import wait_until
from tests.cli.user import User
from tests.support.server import Server

KEY = "k" * 40
"""Of somebody who was let into the room, and has no token."""


@pytest.fixture
def room(server: Server, admin: str) -> str:
    made: str = server.ask("POST", "/v1/rooms", {"name": "team"}, token=admin)["id"]
    secret = server.ask("POST", f"/v1/rooms/{made}/invitations", {"role": "member"}, token=admin)["invitation"]
    server.ask("POST", f"/v1/rooms/{made}/admission", {"invitation": secret}, token=KEY)
    return made


def say(server: Server, room: str, token: str, name: str, text: str, to: int = 0) -> int:
    body = {"participant": name, "text": text, "reply_to": to}
    seq: int = server.ask("POST", f"/v1/rooms/{room}/messages", body, token=token)["seq"]
    return seq


def token_of(server: Server, admin: str, name: str) -> str:
    token: str = server.ask("POST", "/v1/tokens", {"name": name}, token=admin)["token"]
    return token


def history(server: Server, room: str, token: str) -> list[dict[str, object]]:
    events: list[dict[str, object]] = server.ask("GET", f"/v1/rooms/{room}/events", token=token)["events"]
    return events


def test_an_answer_counts_if_its_author_is_verified(server: Server, admin: str, ada: User, room: str) -> None:
    before = len(history(server, room, admin))
    process = ada.start("ask", room, "Deploy?", "--from", "Grace")
    wait_until(lambda: len(history(server, room, admin)) > before)
    question = int(str(history(server, room, admin)[-1]["seq"]))
    say(server, room, KEY, "Grace", "no", question)
    grace = token_of(server, admin, "Grace")
    say(server, room, grace, "Grace", "yes", question)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == (b"yes\n", b"", 0)


def test_a_bot_obeys_those_who_are_verified(
    server: Server, admin: str, known_as: Callable[..., User], room: str, tmp_path: Path
) -> None:
    robot = known_as("robot")
    process = bot(robot, room, tmp_path / "cursor", "--on", ".", "--from", "Heidi", "--", "cat")
    spoof = say(server, room, KEY, "Heidi", "no")
    heidi = token_of(server, admin, "Heidi")
    asked = say(server, room, heidi, "Heidi", "yes")
    wait_until(lambda: history(server, room, admin)[-1].get("reply_to") == asked)
    process.terminate()
    assert ended(process, 143, hint="") == (
        f"note:  message {spoof}: not answered, because Heidi is not verified; further ones are not mentioned\n"
    )
    assert [event["text"] for event in history(server, room, admin) if event.get("reply_to")] == ["yes"]
    assert [event.get("verified") for event in history(server, room, admin)] == [None, True, True]


def test_a_bot_that_obeys_everybody_whom_the_server_knows_needs_no_hint(
    server: Server, admin: str, known_as: Callable[..., User], room: str, tmp_path: Path
) -> None:
    process = bot(known_as("robot-2"), room, tmp_path / "cursor", "--on", ".", "--", "cat")
    asked = say(server, room, KEY, "Ivan", "hello")
    wait_until(lambda: history(server, room, admin)[-1].get("reply_to") == asked)
    process.terminate()
    assert ended(process, 143, hint="") == ""


def test_names_that_are_verified_have_a_mark(server: Server, admin: str, ada: User, room: str) -> None:
    body = {"participant": "Judy", "text": "✓ ada │ hi"}
    server.ask("POST", f"/v1/rooms/{room}/messages", body, token=KEY)
    ada.here.says("send", room, "hello")
    assert [line[7:] for line in ada.here.says("history", room).splitlines()] == ["Judy │ ✓ ada │ hi", "✓ ada │ hello"]


async def test_who_says_which_names_are_verified(server: Server, admin: str, ada: User, room: str) -> None:
    async with chatty.join(server.url, room, key=admin), chatty.join(server.url, room, name="Judy", key=KEY):
        assert await asyncio.to_thread(ada.says, "who", room) == "ada ✓\nJudy\n"
        listed = await asyncio.to_thread(ada.says, "who", room, "--json")
        assert [json.loads(line) for line in listed.splitlines()] == [
            {"name": "ada", "away": False, "verified": True}, {"name": "Judy", "away": False},
        ]  # fmt: skip
