"""A credential may be a source that is asked again: a client goes on with a new token, and no message is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import chatty
from chatty.access import IssuedToken, NewRestriction, NewToken, Policy
from chatty.client.rules import Rules
from chatty.client.states import Reconnecting, State
from chatty.credentials import new_token
from tests.support.server import PATIENCE, Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("access") / "data", "--access", "token") as running:
        yield running


@pytest.fixture
async def operator(server: Server) -> AsyncIterator[chatty.Http]:
    """The server's operator, who needs no credential on its control socket."""
    async with chatty.Http("http://localhost", socket=str(server.data / "control")) as http:
        yield http


@pytest.fixture
async def room(operator: chatty.Http, server: Server) -> str:
    """A room that a new administrator made."""
    ada = await operator.issue_token(NewToken("ada", admin=True))
    async with chatty.Http(server.url, key=ada.token) as http:
        return (await http.create_room("general")).id


class Source:
    """A credential that is replaced while it is used."""

    def __init__(self, issued: IssuedToken) -> None:
        self.token = issued.token
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return self.token


async def test_a_room_comes_back_with_a_new_token_and_nothing_is_lost_or_repeated(
    operator: chatty.Http, server: Server, room: str
) -> None:
    first, second = [await operator.issue_token(NewToken("ci")) for _ in range(2)]
    source = Source(first)
    async with chatty.join(server.url, room, key=source, name="ci", since=0) as talk:
        acks = [await talk.post(f"{number}") for number in range(200)]
        source.token = second.token
        await operator.revoke_token(first.id)
        acks += [await talk.post(f"{number}") for number in range(200, 400)]
        await talk.flush()
        assert len({ack.result().n for ack in acks}) == 400
    async with chatty.Http(server.url, key=source) as http:
        page = await http.events(room, limit=500, types=["message"])
    texts = [chatty.protocol.decode_frame(bytes(event)).text for event in page.events]  # type: ignore[union-attr]
    assert texts == [f"{number}" for number in range(400)]


async def test_a_room_waits_for_a_token_that_comes_later(operator: chatty.Http, server: Server, room: str) -> None:
    first, second = [await operator.issue_token(NewToken("late")) for _ in range(2)]
    source, lost = Source(first), asyncio.Event()

    def see(state: State) -> None:
        if isinstance(state, Reconnecting) and state.attempt > 1:
            lost.set()

    async with chatty.join(server.url, room, key=source, name="late", on_state=see) as talk:
        await operator.revoke_token(first.id)
        async with asyncio.timeout(PATIENCE):
            await lost.wait()  # it was refused once already
            source.token = second.token
            assert (await talk.send("here again")).seq


@pytest.mark.parametrize("renewable", [True, False])
async def test_a_first_connection_without_a_valid_token_is_refused_at_once(
    server: Server, room: str, renewable: bool
) -> None:
    unknown = new_token()
    with pytest.raises(chatty.Refused) as refused:
        async with chatty.join(server.url, room, key=(lambda: unknown) if renewable else unknown, name="x"):
            pass
    assert refused.value.code == "unauthorized"


async def test_a_token_that_can_not_be_replaced_ends_the_room(operator: chatty.Http, server: Server, room: str) -> None:
    issued = await operator.issue_token(NewToken("once"))
    with pytest.raises(chatty.Refused) as refused:
        async with chatty.join(server.url, room, key=issued.token, name="once") as talk:
            await operator.revoke_token(issued.id)
            async for _ in talk:
                pass
    assert refused.value.code == "unauthorized"


async def test_a_request_is_repeated_once_with_a_token_that_was_replaced_meanwhile(
    operator: chatty.Http, server: Server, room: str
) -> None:
    issued = await operator.issue_token(NewToken("http"))
    shown = [new_token(), issued.token]
    async with chatty.Http(server.url, key=lambda: shown.pop(0)) as http:
        assert await http.send(room, "hello", name="http", idempotency_key="once") > 0
    assert shown == []
    wrong = Source(issued)
    wrong.token = new_token()
    async with chatty.Http(server.url, key=wrong) as http:
        with pytest.raises(chatty.Refused):
            await http.me()
    assert wrong.asked == 2


async def test_a_token_file_is_read_again_and_keeps_the_last_token_while_it_is_away(tmp_path: Path) -> None:
    file, one, two = tmp_path / "token", new_token(), new_token()
    source = chatty.TokenFile(file)
    with pytest.raises(FileNotFoundError):
        source()
    file.write_text("half a to")
    with pytest.raises(ValueError, match="there is no token in"):
        source()
    file.write_text(f"{one}\n")
    assert source() == one
    for broken in (two[:-1], ""):
        file.write_text(broken)
        assert source() == one
    file.unlink()
    assert source() == one
    file.write_text(f" {two} \n")
    assert source() == two


async def test_the_rules_of_a_room_and_of_the_server_are_set_and_shown(
    operator: chatty.Http, server: Server, room: str
) -> None:
    await operator.issue_token(NewToken("Eve"))
    rules = Rules(operator, room)
    await rules.set_policy(Policy(everyone="reader", locked=True))
    assert await rules.policy() == Policy("reader", True, "member", 0.0, has_password=False)
    await rules.set_role("Eve", "moderator", 60)
    assert [(one.name, one.role) for one in (await rules.members()).members][-1] == ("Eve", "moderator")
    made = await rules.restrict(NewRestriction("ban", name="Eve", expires_in=60, reason="spam"))
    assert made in await rules.restrictions()
    await rules.lift(made.id)
    assert await rules.restrictions() == []
    audit = await rules.audit()
    assert [entry.what.split()[0] for entry in audit] == ["lifted", "banned", "made", "policy:"]
    assert await rules.audit(before=audit[0].n) == audit[1:]
    assert (await Rules(operator).policy()).everyone == "nobody"
    info = await operator.server_info()
    assert (info.access, (await operator.me()).trust) == ("token", "operator")
