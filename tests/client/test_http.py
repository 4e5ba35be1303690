from __future__ import annotations

import asyncio
from typing import Any

import pytest

import chatty
from chatty.client.identity import new_secret
from chatty.protocol import CreatedRoom, RoomInfo, decode_frame, encode
from tests.support.reading import story
from tests.support.scripted import AT, Scripted, problem, redirect, talks, text
from tests.support.server import Server, free_port


async def test_a_room_is_created_shown_and_closed(server: Server) -> None:
    async with chatty.Http(server.url) as http:
        created = await http.create_room("Deploys", topic="what goes out", expires_in=3_600)
        room = await http.room(created.id)
        assert (room.name, room.topic, room.participant_count) == ("Deploys", "what goes out", 0)
        assert (room.id, room.epoch, room.closed_at) == (created.id, created.epoch, None)
        assert room.expires_at is not None
        assert created.url.endswith(created.id)
        await http.close_room(created.id, created.owner_token)
        assert (await http.room(created.id)).closed_at is not None


async def test_a_room_can_be_created_in_one_call(server: Server) -> None:
    created = await chatty.create_room(server.url, "general")
    assert (created.name, created.expires_at) == ("general", None)


@pytest.mark.parametrize("given", ["3MWJVuiZ1XZ5OmY2LvrvWHrULFQ", "\x1b]0;evil\x07"])
async def test_a_room_that_was_not_asked_for_is_not_believed(given: str) -> None:
    room = encode(RoomInfo(given, "general", "", AT, "e", 1, 0, 0)).decode()
    async with Scripted(text(200, room, kind="application/json")) as scripted, chatty.Http(scripted.url) as http:
        with pytest.raises(chatty.ProtocolError, match="is another room"):
            await http.room("0" * 27)


async def test_only_the_owner_closes_a_room(server: Server) -> None:
    created = server.make_room()
    async with chatty.Http(server.url, key=new_secret()) as http:
        with pytest.raises(chatty.Refused) as refused:
            await http.close_room(created["id"], "owner_of_something_else")
    assert refused.value.status in (401, 403)


async def test_participants_can_be_listed(server: Server, room_id: str) -> None:
    async with chatty.Http(server.url) as http:
        assert await http.participants(room_id) == []
        async with chatty.join(server.url, room_id, name="Ada"), chatty.join(server.url, room_id, name="John"):
            assert {(one.name, one.away) for one in await http.participants(room_id)} == {
                ("Ada", False),
                ("John", False),
            }


async def test_something_can_be_said_and_changed_without_joining(server: Server, room_id: str) -> None:
    async with chatty.Http(server.url, key=new_secret()) as http:
        first = await http.send(room_id, "build 17 is geen", name="ci")
        await http.edit(room_id, first, "build 17 is green", name="ci")
        reply = await http.send(room_id, "at last", name="Ada", reply_to=first)
        page = await http.events(room_id, types=["message"])
    said = [decode_frame(bytes(event)) for event in page.events]
    assert [(one.seq, one.participant, one.text, one.reply_to) for one in said if isinstance(one, chatty.Message)] == [
        (first, "ci", "build 17 is green", 0),
        (reply, "Ada", "at last", first),
    ]


async def test_with_an_idempotency_key_it_is_said_once(server: Server, room_id: str) -> None:
    async with chatty.Http(server.url, key=new_secret()) as http:
        numbers = {await http.send(room_id, "hello", name="ci", idempotency_key="build 17") for _ in range(2)}
        assert len(numbers) == 1
        with pytest.raises(chatty.Refused) as refused:
            await http.send(room_id, "something else", name="ci", idempotency_key="build 17")
        assert refused.value.code == "idempotency_conflict"
        assert await http.send(room_id, "hello", name="ci") not in numbers
    assert server.texts(room_id) == ["hello", "hello"]


async def test_only_its_author_changes_a_message(server: Server, room_id: str) -> None:
    async with chatty.Http(server.url, key=new_secret()) as http:
        number = await http.send(room_id, "hello", name="Ada")
    async with chatty.Http(server.url, key=new_secret()) as http:
        with pytest.raises(chatty.Refused):
            await http.edit(room_id, number, "goodbye", name="Ada")
    assert server.texts(room_id) == ["hello"]


async def test_history_comes_in_pages_in_both_directions(server: Server, room_id: str) -> None:
    async with chatty.join(server.url, room_id, name="John") as room:
        for number in range(9):
            await room.post(f"line {number}")
    await story(server.url, room_id, leaves=1)
    async with chatty.Http(server.url) as http:

        async def texts(**where: Any) -> tuple[list[str], bool]:
            page = await http.events(room_id, types=["message"], **where)
            return [getattr(decode_frame(bytes(event)), "text", "") for event in page.events], page.more

        assert await texts(limit=2) == (["line 7", "line 8"], True)
        assert await texts(limit=2, before=9) == (["line 5", "line 6"], True)
        assert await texts(after=0, limit=3) == (["line 0", "line 1", "line 2"], True)
        assert await texts(after=8) == (["line 7", "line 8"], False)
        everything = await http.events(room_id)
    kinds = [type(decode_frame(bytes(event))) for event in everything.events]
    assert kinds == [chatty.ParticipantJoined, *[chatty.Message] * 9, chatty.ParticipantLeft]
    assert (everything.first, everything.last, everything.more) == (1, 11, False)


@pytest.mark.parametrize("room_id", ["3MWJVuiZ1XZ5OmY2LvrvWHrULFQ", "no id", "../../healthz", "ü"])
async def test_a_room_that_is_not_there_is_refused_with_its_code(server: Server, room_id: str) -> None:
    async with chatty.Http(server.url) as http:
        with pytest.raises(chatty.Refused) as refused:
            await http.room(room_id)
    assert (refused.value.code, refused.value.status) == ("room_not_found", 404)


async def test_a_bad_request_is_refused_with_what_is_wrong(server: Server) -> None:
    with pytest.raises(chatty.Refused) as refused:
        await chatty.create_room(server.url, "")
    assert refused.value.status == 400
    assert refused.value.message


async def test_where_nothing_listens_it_is_unreachable() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(chatty.Unreachable) as unreachable:
        await chatty.create_room(url, "general")
    assert str(unreachable.value) == f"cannot reach {url} (connection refused)"


async def test_where_no_such_host_is_known_it_is_unreachable() -> None:
    with pytest.raises(chatty.Unreachable, match="no such host"):
        await chatty.create_room("http://no-such-host.invalid", "general")


async def test_a_server_that_hangs_up_is_unreachable() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listener = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(chatty.Unreachable):
            await chatty.create_room(f"http://127.0.0.1:{port}", "general")


async def test_a_server_that_does_not_speak_http_is_recognised() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.0\r\n")
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(chatty.ProtocolError):
            await chatty.create_room(f"http://127.0.0.1:{port}", "general")


@pytest.mark.parametrize("status", [200, 201, 400, 404, 500])
async def test_a_page_of_another_server_is_a_protocol_error(status: int) -> None:
    async with Scripted(text(status, "<h1>hello</h1>")) as scripted:
        with pytest.raises(chatty.ProtocolError, match=scripted.url):
            await chatty.create_room(scripted.url, "general")


@pytest.mark.parametrize("odd", ["x\x1b]0;owned\x07y", "", "a" * 26, "a" * 26 + "é", "a" * 26 + "\n", "../" * 9])
async def test_an_invalid_id_is_a_protocol_error(odd: str) -> None:
    room = CreatedRoom(odd, "general", "", AT, "e", 1, 0, 0, owner_token="t", url="http://127.0.0.1")
    async with Scripted(text(201, encode(room).decode(), kind="application/json")) as scripted:
        with pytest.raises(chatty.ProtocolError) as error:
            await chatty.create_room(scripted.url, "general")
    assert str(error.value).isprintable()


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_without_its_server_is_unreachable(status: int) -> None:
    async with Scripted(text(status, "<h1>Bad Gateway</h1>")) as scripted:
        with pytest.raises(chatty.Unreachable, match=str(status)):
            await chatty.create_room(scripted.url, "general")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_told_and_not_followed(status: int) -> None:
    async with Scripted(talks()) as other, Scripted(redirect(status, to=f"{other.url}/chat")) as scripted:
        with pytest.raises(chatty.ProtocolError) as by_http:
            await chatty.create_room(scripted.url, "general")
        with pytest.raises(chatty.ProtocolError) as by_websocket:
            async with chatty.join(scripted.url, "room", name="John"):
                pytest.fail("without the key it is somebody else there")
        for error in (by_http.value, by_websocket.value):
            assert str(error) == f"{scripted.url} redirects to {other.url}/chat"
            assert error.elsewhere == f"{other.url}/chat"
    assert other.asked == []


async def test_a_redirect_to_something_else_names_no_server() -> None:
    for to in ("https://login.example", "mailto:nobody", "http://["):
        async with Scripted(redirect(302, to=to, keep_path=False)) as scripted:
            with pytest.raises(chatty.ProtocolError, match="redirects to") as error:
                await chatty.create_room(scripted.url, "general")
        assert error.value.elsewhere is None


async def test_a_refusal_tells_how_long_to_wait() -> None:
    async with Scripted(problem(429, "rate_limited", retry_after=7)) as scripted:
        with pytest.raises(chatty.Refused) as refused:
            await chatty.create_room(scripted.url, "general")
    assert (refused.value.code, refused.value.retry_after) == ("rate_limited", 7)
    assert str(refused.value) == "because of rate_limited"


@pytest.mark.parametrize(("said", "meant"), [("inf", None), ("nan", None), ("soon", None), ("1e9", 600), ("-1", 0)])
async def test_nobody_is_made_to_wait_for_ever(said: str, meant: float | None) -> None:
    async with Scripted(text(429, "slow down", retry_after=said)) as scripted:
        with pytest.raises(chatty.Refused) as refused:
            await chatty.create_room(scripted.url, "general")
    assert refused.value.retry_after == meant


async def test_an_answer_that_is_nested_too_deeply_is_a_protocol_error() -> None:
    for status in (200, 400):
        async with Scripted(text(status, '{"x":' + "[" * 100_000)) as scripted:
            with pytest.raises(chatty.ProtocolError):
                await chatty.create_room(scripted.url, "general")


async def test_a_server_may_live_under_a_path() -> None:
    async with Scripted(problem(404, "room_not_found")) as scripted:
        with pytest.raises(chatty.Refused):
            await chatty.create_room(scripted.url + "/chat/", "general")
    assert scripted.asked == ["/chat/v1/rooms"]


@pytest.mark.parametrize("path", ["/chat", "/chat/", "/v1/rooms/x", "/nothing"])
async def test_a_wrong_path_in_a_servers_address_is_not_taken_for_a_missing_room(server: Server, path: str) -> None:
    async with chatty.Http(server.url + path) as http:
        for attempt in (http.create_room("general"), http.room("1" * 27)):
            with pytest.raises(chatty.ProtocolError, match="no chatty server at ") as error:
                await attempt
            assert error.value.elsewhere == server.url
    with pytest.raises(chatty.ProtocolError, match="no chatty server at "):
        async with chatty.join(server.url + path, "1" * 27):
            pytest.fail("there is no such room")


async def test_a_request_that_an_older_server_does_not_know_is_told_so() -> None:
    async with Scripted(problem(404, "address_not_found")) as scripted:
        with pytest.raises(chatty.ProtocolError, match="may be older than this client"):
            await chatty.create_room(scripted.url, "general")


async def test_it_is_used_as_a_context_manager(server: Server) -> None:
    with pytest.raises(RuntimeError, match="context manager"):
        await chatty.Http(server.url).room("x")
