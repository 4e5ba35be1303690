"""Replies, edits, deletions, reactions, topics and names: over the wire, in the store, and in the seed dialect."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chatty.protocol import Close
from tests.server.asking import ask, refusal
from tests.server.conftest import heard
from tests.server.protocol.test_v1 import door, get, say, until
from tests.support.faults import cut_for, eventually
from tests.support.old_data import take_back
from tests.support.server import Server

KEY, OTHER = "k" * 32, "o" * 32
PRODUCER = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"


def stored(server: Server, room: str, kind: str = "message") -> list[Any]:
    return [event for event in get(server, f"{room}/events")["events"] if event["event_type"] == kind]


async def said(socket: ClientConnection, **command: object) -> Any:
    """Says it; gives its ack."""
    await say(socket, **command)
    return (await until(socket, "ack"))[-1]


async def test_everybody_gets_a_change_and_history_has_the_current_text(server: Server, room: str) -> None:
    async with (
        door(server, room, "name=Ada", KEY) as ada,
        door(server, room, "name=Bob", OTHER) as bob,
        door(server, room, "join=false") as reader,
    ):
        await until(reader, "live")
        first = (await said(ada, op="send", text="helo"))["seq"]
        await said(ada, op="edit", of=first, text="hello")
        await said(bob, op="react", of=first, reaction="👍")
        await said(bob, op="send", text="hi", reply_to=first)
        await said(ada, op="send", text="waves", action=True)
        await said(bob, op="topic", topic="greetings")
        last = await said(ada, op="delete", of=first + 4)
        heard_by_all = await until(reader, "message_deleted")
    changes = [
        {name: value for name, value in event.items() if name != "at"} for event in heard_by_all if event["seq"] > first
    ]
    assert changes == [
        {"event_type": "message_edited", "seq": first + 1, "participant": "Ada", "of": first, "text": "hello"},
        {"event_type": "reaction", "seq": first + 2, "participant": "Bob", "of": first, "reaction": "👍"},
        {"event_type": "message", "seq": first + 3, "participant": "Bob", "text": "hi", "reply_to": first},
        {"event_type": "message", "seq": first + 4, "participant": "Ada", "text": "waves", "action": True},
        {"event_type": "topic_changed", "seq": first + 5, "participant": "Bob", "topic": "greetings"},
        {"event_type": "message_deleted", "seq": first + 6, "participant": "Ada", "of": first + 4},
    ]
    assert last["seq"] == first + 6
    hello, hi, gone = stored(server, room)
    assert (hello["text"], hello["edited"], hello["reactions"]) == ("hello", first + 1, {"👍": 1})
    assert hi["reply_to"] == first
    assert (gone["text"], gone["action"], gone["deleted"]) == ("", True, first + 6)
    assert get(server, room)["topic"] == "greetings"


async def test_what_a_program_says_is_marked_for_all_and_stays_so_when_it_is_edited(server: Server, room: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with door(server, room, "name=Ada", KEY) as ada:
        seq = (await said(ada, op="send", text="up", automatic=1))["seq"]
        assert (await until(ada, "message"))[-1]["automatic"] == 1
        body = {"participant": "Ada", "text": "up, too", "reply_to": seq, "automatic": 2}
        assert ask(server, "POST", f"/v1/rooms/{room}/messages", body, headers).json["automatic"] == 2
        await until(ada, "message")
        await said(ada, op="send", text="by hand")
        assert "automatic" not in (await until(ada, "message"))[-1]
        await said(ada, op="edit", of=seq, text="up for 3 days")
        for number in (-1, 1_001, 1.5, True):
            await say(ada, op="send", text="x", automatic=number)
            assert (await until(ada, "error"))[-1]["code"] == "bad_request"
    assert [message.get("automatic", 0) for message in stored(server, room)] == [1, 2, 0]


async def test_a_change_that_changes_nothing_is_acked_without_a_number(server: Server, room: str) -> None:
    async with door(server, room, "name=Ada", KEY) as ada:
        seq = (await said(ada, op="send", text="hello"))["seq"]
        assert "seq" in await said(ada, op="react", of=seq, reaction="+1")
        assert await said(ada, op="react", of=seq, reaction="+1") == {"event_type": "ack"}
        assert stored(server, room)[0]["reactions"] == {"+1": 1}


async def test_changes_are_numbered_like_messages_and_happen_once(server: Server, room: str) -> None:
    async with door(server, room, "name=Ada", KEY) as ada:
        await say(ada, op="produce", producer=PRODUCER)
        seq = (await said(ada, op="send", n=1, text="helo"))["seq"]
        edit = {"op": "edit", "n": 2, "of": seq, "text": "hello"}
        assert (await said(ada, **edit))["seq"] == seq + 1
    async with door(server, room, "name=Ada", KEY) as ada:
        await say(ada, op="produce", producer=PRODUCER)
        assert (await until(ada, "producing"))[-1]["accepted"] == 2
        assert (await said(ada, **edit)) == {"event_type": "ack", "n": 2, "duplicate": True}
    assert len(stored(server, room, "message_edited")) == 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"op": "edit", "of": 1, "text": "x"}, "message_not_found"),
        ({"op": "edit", "of": -1, "text": "x"}, "message_not_found"),
        ({"op": "edit", "of": 1 << 40, "text": "x"}, "message_not_found"),
        ({"op": "edit", "of": 2, "text": " "}, "message_empty"),
        ({"op": "edit", "of": 2, "text": "x" * 16_385}, "message_too_long"),
        ({"op": "delete", "of": 2}, "not_allowed"),
        ({"op": "react", "of": 2, "reaction": ""}, "bad_request"),
        ({"op": "react", "of": 2, "reaction": "a b"}, "bad_request"),
        ({"op": "react", "of": 2, "reaction": "x" * 33}, "bad_request"),
        ({"op": "topic", "topic": "x" * 513}, "bad_request"),
        ({"op": "rename", "name": "\n"}, "name_invalid"),
        ({"op": "rename", "name": "server"}, "name_invalid"),
        ({"op": "rename", "name": "* Bob"}, "name_invalid"),
        ({"op": "send", "text": "x", "reply_to": 99}, "message_not_found"),
        ({"op": "send", "text": "x", "reply_to": -1}, "message_not_found"),
        ({"op": "send", "text": "x", "reply_to": 1 << 63}, "message_not_found"),
    ],
    ids=str,
)
async def test_changes_that_are_not_possible_are_refused(
    server: Server, room: str, command: dict[str, object], code: str
) -> None:
    ask(server, "POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": "first"})
    async with door(server, room, "name=Ada", KEY) as ada:
        await until(ada, "live")
        of = command.get("of")
        await say(ada, **{**command, **({"of": 1} if of == 2 else {"of": 2} if of == 1 else {})})
        assert (await until(ada, "error"))[-1]["code"] == code
    assert stored(server, room)[0]["text"] == "first"


async def test_a_renamed_participant_speaks_comes_back_and_leaves_under_the_new_name(server: Server, room: str) -> None:
    async with (
        door(server, room, "name=Ada", KEY) as ada,
        door(server, room, "name=Ada", KEY) as elsewhere,
        door(server, room, "name=Bob", OTHER) as bob,
    ):
        for one in (ada, elsewhere, bob):
            await until(one, "live")
        await said(ada, op="rename", name="Countess")
        await say(elsewhere, op="typing")
        await said(elsewhere, op="send", text="both of me")
        *_, typing, message = await until(bob, "message")
        assert typing == {"event_type": "typing", "participant": "Countess"}
        assert message["participant"] == "Countess"
        async with door(server, room, "name=Ada", "n" * 32) as another:
            assert (await heard(another, 1))[0]["you"] == {"participant": "Ada", "can": ["read", "post"]}
    gone = {"Ada", "Bob", "Countess"}
    await asyncio.to_thread(
        eventually,
        lambda: {e["participant"] for e in stored(server, room, "participant_left")} == gone,
        "all have left",
    )


async def test_typing_is_shown_to_the_others_alone_and_stored_nowhere(server: Server, room: str) -> None:
    async with door(server, room, "name=Ada", KEY) as ada, door(server, room, "name=Bob", OTHER) as bob:
        await until(ada, "live")
        await until(bob, "live")
        for _ in range(5):
            await say(ada, op="typing")
        await said(ada, op="send", text="done")
        assert [frame["event_type"] for frame in await until(bob, "message")] == ["typing", "message"]
        assert (await until(ada, "message"))[-1]["text"] == "done"
    assert stored(server, room, "typing") == []


async def test_the_seed_dialect_gets_the_events_that_it_has_frames_for(server: Server, room: str) -> None:
    url = f"{server.url.replace('http', 'ws', 1)}/chat/join?name=Old&room={room}"
    async with connect(url) as old, door(server, room, "name=Ada", KEY) as ada:
        await heard(old, 2)
        seq = (await said(ada, op="send", text="helo"))["seq"]
        await said(ada, op="edit", of=seq, text="hello")
        await said(ada, op="react", of=seq, reaction="👍")
        await said(ada, op="send", text="waves", action=True, reply_to=seq)
        await said(ada, op="rename", name="Countess")
        assert await heard(old, 4) == [
            {"text": "helo", "participant": "Ada"},
            {"text": "* Ada waves", "participant": "Ada"},
            {"event_type": "participant_left", "participant": "Ada"},
            {"event_type": "participant_joined", "participant": "Countess"},
        ]


def test_the_same_over_http(server: Server, room: str) -> None:
    mine, bobs = {"Authorization": f"Bearer {KEY}"}, {"Authorization": f"Bearer {OTHER}"}
    base = f"/v1/rooms/{room}"
    said = ask(server, "POST", f"{base}/messages", {"participant": "Ada", "text": "helo"}, mine).json["seq"]
    reply = {"participant": "Bob", "text": "hi", "reply_to": said}
    assert ask(server, "POST", f"{base}/messages", reply, bobs).json["reply_to"] == said
    edit = {"participant": "Ada", "text": "hello"}
    assert refusal(ask(server, "PATCH", f"{base}/messages/{said}", edit)) == (401, "unauthorized")
    assert refusal(ask(server, "PATCH", f"{base}/messages/{said}", edit, bobs)) == (403, "not_allowed")
    answer = ask(server, "PATCH", f"{base}/messages/{said}", edit, mine)
    assert (answer.status, answer.json["event_type"], answer.json["of"]) == (200, "message_edited", said)
    thumb = f"{base}/messages/{said}/reactions/{quote('👍')}?name=Bob"
    assert ask(server, "PUT", thumb, headers=bobs).json["reaction"] == "👍"
    assert ask(server, "PUT", thumb, headers=bobs).status == 204
    assert ask(server, "DELETE", thumb, headers=bobs).json["removed"] is True
    topic = ask(server, "PUT", f"{base}/topic", {"participant": "Ada", "topic": "greetings"}, mine)
    assert (topic.status, ask(server, "GET", base).json["topic"]) == (200, "greetings")
    assert (
        ask(server, "DELETE", f"{base}/messages/{said}?name=Ada", headers=mine).json["event_type"] == "message_deleted"
    )
    assert refusal(ask(server, "DELETE", f"{base}/messages/{said}?name=Ada", headers=mine)) == (
        404,
        "message_not_found",
    )
    assert refusal(ask(server, "DELETE", f"{base}/messages/x?name=Ada", headers=mine)) == (404, "message_not_found")


def test_a_message_that_was_posted_without_a_key_belongs_to_nobody(server: Server, room: str) -> None:
    said = ask(server, "POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": "hello"}).json["seq"]
    edit = ask(
        server, "PATCH", f"/v1/rooms/{room}/messages/{said}", {"participant": "ci", "text": "x"},
        {"Authorization": f"Bearer {KEY}"},
    )  # fmt: skip
    assert refusal(edit) == (403, "not_allowed")


def test_a_deleted_text_and_all_its_wordings_are_gone_from_every_file(tmp_path: Path) -> None:
    async def talk(server: Server, room: str) -> None:
        async with door(server, room, "name=Ada", KEY) as ada:
            seq = (await said(ada, op="send", text="first secret wording"))["seq"]
            await said(ada, op="edit", of=seq, text="second secret wording")
            assert wordings(server) > 0
            await said(ada, op="delete", of=seq)

    def wordings(server: Server) -> int:
        found = 0
        for file in filter(Path.is_file, server.data.iterdir()):
            with suppress(FileNotFoundError):  # a journal that was there for a moment
                found += file.read_bytes().count(b"secret wording")
        return found

    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        asyncio.run(talk(server, room))
        eventually(lambda: wordings(server) == 0, "the text is gone from the files")
        (message,) = stored(server, room)
        (edited,) = stored(server, room, "message_edited")
        assert (message["text"], edited["text"]) == ("", "")
        server.restart()
        assert stored(server, room) == [message]
        assert wordings(server) == 0


async def test_messages_after_a_rename_are_sent_under_the_new_name(server: Server, room: str) -> None:
    async with door(server, room, "name=Ada", KEY) as ada:
        await until(ada, "live")
        for command in ({"op": "rename", "name": "Bob"}, {"op": "send", "text": "hi"}, {"op": "rename", "name": "Cy"}):
            await say(ada, **command)
        events = [frame for frame in await until(ada, "participant_renamed") if "seq" in frame]
        events += [frame for frame in await until(ada, "participant_renamed") if "seq" in frame]
    assert [event["participant"] for event in events if event["event_type"] != "ack"][-3:] == ["Ada", "Bob", "Bob"]


async def test_all_connections_of_a_participant_go_by_its_name_as_the_room_has_it(server: Server, room: str) -> None:
    async with door(server, room, "name=Ada", KEY) as ada, door(server, room, "name=ADA", KEY) as other:
        assert (await until(other, "live"))[0]["you"] == {"participant": "Ada", "can": ["read", "post"]}
        await said(ada, op="rename", name="Bob")
        await until(other, "participant_renamed")
        await say(other, op="typing")
        assert (await until(ada, "typing"))[-1]["participant"] == "Bob"


async def test_a_rename_is_nobody_elses(server: Server, room: str) -> None:
    """A session that only sends, under a free name, is not renamed with a participant who takes that name."""
    async with door(server, room, "name=Ada&join=false", OTHER) as sender, door(server, room, "name=Ada", KEY) as ada:
        await until(sender, "live")
        await said(ada, op="rename", name="Bob")
        await said(sender, op="send", text="as Ada")
        assert stored(server, room)[-1]["participant"] == "Ada"


def test_a_reaction_belongs_to_an_identity_under_any_name(server: Server, room: str) -> None:
    mine, bobs = {"Authorization": f"Bearer {KEY}"}, {"Authorization": f"Bearer {OTHER}"}
    said = ask(server, "POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "hello"}, mine).json["seq"]
    thumb = f"/v1/rooms/{room}/messages/{said}/reactions/{quote('👍')}?name="
    assert [ask(server, "PUT", f"{thumb}p{n}", headers=mine).status for n in range(3)] == [200, 204, 204]
    assert ask(server, "DELETE", f"{thumb}p0", headers=bobs).status == 204
    assert stored(server, room)[0]["reactions"] == {"👍": 1}
    assert ask(server, "DELETE", f"{thumb}p1", headers=mine).json["removed"] is True
    assert refusal(ask(server, "PUT", thumb.replace(quote("👍"), "%E2%80%8B") + "Ada", headers=mine)) == (
        400,
        "bad_request",
    )


def test_an_idempotency_key_covers_the_message_that_is_answered(server: Server, room: str) -> None:
    headers = {"Idempotency-Key": "once", "Authorization": f"Bearer {KEY}"}
    message: dict[str, object] = {"participant": "Ada", "text": "hello"}
    address = f"/v1/rooms/{room}/messages"
    first = ask(server, "POST", address, message, headers)
    assert (first.status, ask(server, "POST", address, message, headers).status) == (201, 200)
    other = ask(server, "POST", address, {**message, "reply_to": first.json["seq"]}, headers)
    assert refusal(other) == (409, "idempotency_conflict")
    disguised = ask(server, "POST", address, {**message, "text": f"hello\0{first.json['seq']}\0False"}, headers)
    assert refusal(disguised) == (409, "idempotency_conflict")


def test_no_number_of_a_message_is_too_large_to_be_refused(server: Server, room: str) -> None:
    for number in (1 << 32, 1 << 63, 1 << 100):
        message = {"participant": "Ada", "text": "hello", "reply_to": number}
        answer = ask(server, "POST", f"/v1/rooms/{room}/messages", message)
        assert refusal(answer) in ((404, "message_not_found"), (400, "bad_request"))
    assert ask(server, "GET", "/healthz").status == 200


def test_of_all_wordings_the_last_alone_is_kept(server: Server, room: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    said = ask(server, "POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "1"}, headers).json["seq"]
    for text in ("2", "3"):
        ask(server, "PATCH", f"/v1/rooms/{room}/messages/{said}", {"participant": "Ada", "text": text}, headers)
    assert [edit["text"] for edit in stored(server, room, "message_edited")] == ["", "3"]


def test_a_text_deleted_just_before_a_crash_is_gone_after_it(tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    with Server(tmp_path / "data") as server:
        address = f"/v1/rooms/{server.make_room()['id']}/messages"
        said = ask(server, "POST", address, {"participant": "Ada", "text": "secret wording"}, headers).json["seq"]
        assert ask(server, "DELETE", f"{address}/{said}?name=Ada", headers=headers).status == 200
        server.crash()
        assert all(b"secret wording" not in file.read_bytes() for file in server.data.glob("chatty.db*"))


def test_a_text_that_somebody_reads_while_it_is_deleted_is_gone_when_that_is_done(tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    with Server(tmp_path / "data") as server:
        address = f"/v1/rooms/{server.make_room()['id']}/messages"
        said = ask(server, "POST", address, {"participant": "Ada", "text": "secret wording"}, headers).json["seq"]
        backup = sqlite3.connect(server.data / "chatty.db", isolation_level=None)
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM events").fetchone()
        assert ask(server, "DELETE", f"{address}/{said}?name=Ada", headers=headers).status == 200
        wal = server.data / "chatty.db-wal"
        assert b"secret wording" in wal.read_bytes()
        backup.execute("COMMIT")
        eventually(lambda: b"secret wording" not in wal.read_bytes(), "the WAL is emptied")
        backup.close()


async def test_a_flood_of_topics_cuts_no_reader(server: Server, room: str) -> None:
    async with door(server, room, "join=false") as reader, door(server, room, "name=Ada", KEY) as ada:
        await until(reader, "live")
        reading = [asyncio.create_task(until(one, "message")) for one in (reader, ada)]
        for _ in range(600):
            await say(ada, op="topic", topic="\x01" * 512)
        await say(ada, op="send", text="the end")
        assert [(await frames)[-1]["text"] for frames in reading] == ["the end"] * 2


async def test_a_client_that_floods_the_server_with_typing_is_cut(server: Server, room: str) -> None:
    before = cut_for(server, Close.CONTROL_FLOOD)
    async with door(server, room, "name=Ada", KEY) as ada:
        await until(ada, "live")
        with suppress(ConnectionClosed):  # or all of it fits into what the kernel holds
            for _ in range(100_000):
                await say(ada, op="typing")
        await ada.wait_closed()  # with a close frame, if it reads one in time
    assert cut_for(server, Close.CONTROL_FLOOD) == before + 1


async def test_a_text_that_is_merely_too_long_does_not_count_as_an_invalid_command(server: Server, room: str) -> None:
    async with door(server, room, "name=Ada", KEY) as ada:
        await until(ada, "live")
        for _ in range(12):
            await say(ada, op="topic", topic="x" * 513)
        assert "seq" in await said(ada, op="send", text="still here")


def test_the_data_of_the_version_before_is_brought_along(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        headers = {"Authorization": f"Bearer {KEY}"}
        said = ask(server, "POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "old"}, headers).json
        server.stop()
        take_back(server.data / "chatty.db", to=1)
        server.start()
        edit = {"participant": "Ada", "text": "new"}
        assert ask(server, "PATCH", f"/v1/rooms/{room}/messages/{said['seq']}", edit, headers).status == 200
        assert json.loads(json.dumps(stored(server, room)))[0]["text"] == "new"
