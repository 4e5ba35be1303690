"""Nobody gets by anybody else's name: attack 2, by joining, posting and renaming, over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import pytest

from chatty.credentials import new_token
from tests.server.asking import UPGRADE, Answer, ask
from tests.support.server import Server
from tests.support.spoofs import HELD, LEGITIMATE, OF_EACH, spoofs_of
from tests.support.wire import Wire

EVE = "e" * 40
REFUSED = {"name_taken", "name_invalid"}
UNLIMITED = ("--message-rate", "0", "--join-rate", "0", "--room-rate", "0", "--read-rate", "0")


class Place:
    """An open server with a room. ``reserved``: all names that are imitated are, and their holders are elsewhere."""

    def __init__(self, server: Server, admin: str, *, reserved: bool) -> None:
        self.server = server
        self.room: str = server.ask("POST", "/v1/rooms", {"name": "room"})["id"]
        for name in HELD if reserved else ():
            server.ask("POST", "/v1/tokens", {"name": name}, token=admin)

    def post(self, name: str, key: str = EVE) -> str:
        body = {"participant": name, "text": "trust me"}
        return code(ask(self.server, "POST", f"/v1/rooms/{self.room}/messages", body, bearer(key)))

    def join(self, name: str, key: str = EVE) -> str:
        path = f"/v1/rooms/{self.room}/ws?name={quote(name)}"
        return code(ask(self.server, "GET", path, headers=UPGRADE | bearer(key)))

    def join_seed(self, name: str) -> str:
        return code(ask(self.server, "GET", f"/chat/join?room={self.room}&name={quote(name)}", headers=UPGRADE))

    def participants(self, room: str) -> list[str]:
        found = self.server.ask("GET", f"/v1/rooms/{room}/participants")["participants"]
        return [one["name"] for one in found]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def code(answer: Answer) -> str:
    """The code of a refusal, or an empty string."""
    return "" if answer.status < 300 else str(answer.json["code"])


@pytest.fixture(scope="module", params=[False, True], ids=["there", "reserved"])
def place(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Place]:
    scratch, admin = tmp_path_factory.mktemp("spoofs"), new_token()
    (file := scratch / "admin-token").write_text(admin)
    with Server(scratch / "data", *UNLIMITED, "--admin-token-file", str(file)) as server:
        yield Place(server, admin, reserved=request.param)


async def rename(eve: Wire, name: str) -> str:
    """The code of the refusal, or an empty string."""
    await eve.say(op="rename", name=name)
    while (frame := await eve.hear())["event_type"] not in ("ack", "error"):
        pass
    return str(frame.get("code", ""))


@pytest.mark.parametrize("name", HELD)
async def test_no_spoof_is_accepted(place: Place, name: str, request: pytest.FixtureRequest) -> None:
    """Of more than 200 spoofs of five names, by every way there is to be called something."""
    spoofs = spoofs_of(name)
    assert len(spoofs) >= OF_EACH
    accepted: dict[str, list[Any]] = {"join": [], "join_seed": [], "post": [], "rename": []}
    is_there = "there" in request.node.callspec.id
    async with AsyncExitStack() as stack:
        if is_there:
            holder = Wire(place.server.url, place.room, key="h" * 40, name=name)
            stack.push_async_callback((await stack.enter_async_context(holder)).leave)
        eve = await stack.enter_async_context(Wire(place.server.url, place.room, key=EVE, name="Eve"))
        stack.push_async_callback(eve.leave)
        for spoof in spoofs:
            for way in ("join", "join_seed", "post"):
                refused = getattr(place, way)(spoof)
                if refused not in REFUSED:
                    accepted[way].append((spoof, refused))
            if (refused := await rename(eve, spoof)) not in REFUSED:
                accepted["rename"].append((spoof, refused))
        assert accepted == {"join": [], "join_seed": [], "post": [], "rename": []}
        assert place.participants(place.room) == sorted([name, "Eve"] if is_there else ["Eve"])


async def test_names_from_all_over_the_world_are_accepted_beside_each_other(place: Place) -> None:
    room = place.server.ask("POST", "/v1/rooms", {"name": "the world"})["id"]
    names = [name for name in LEGITIMATE if name not in HELD]
    async with AsyncExitStack() as stack:
        for name in names:
            await stack.enter_async_context(Wire(place.server.url, room, name=name))
        assert sorted(place.participants(room)) == sorted(names)


def test_no_token_is_issued_for_a_spoof(place: Place) -> None:
    for name, spoof in zip(HELD, ("Аԁа", "AIice", "ВоЬ", "Νina Ross", "Ивaн"), strict=True):
        place.server.operate("POST", "/v1/tokens", {"name": name})
        with pytest.raises(AssertionError, match="looks like"):
            place.server.operate("POST", "/v1/tokens", {"name": spoof})


@pytest.mark.parametrize("name", ["ѕуѕtem", "s.e.r.v.e.r", "SΥSTEM", "ѕеrvеr"])
def test_what_looks_like_a_word_of_chatty_s_own_is_nobody_s_name(place: Place, name: str) -> None:
    assert place.join(name) == place.post(name) == "name_invalid"
    with pytest.raises(AssertionError, match="name_invalid"):
        place.server.operate("POST", "/v1/tokens", {"name": name})
