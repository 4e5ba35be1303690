"""The event stream: events with ids from which any client can resume."""

from __future__ import annotations

import http.client
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pytest

from tests.server.asking import ask, raw
from tests.support.faults import cut_for
from tests.support.server import PATIENCE, Server


class Sent(NamedTuple):
    """One event of the stream: its id, if it has one, and its data."""

    id: str
    data: Any


class Listening:
    """An open stream of a room, over HTTP/1.1 or an ``older`` version."""

    def __init__(self, server: Server, room: str, query: str = "", last_event_id: str = "", older: str = "") -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        if older:
            self._line._http_vsn_str = older  # type: ignore[attr-defined]
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self._line.request("GET", f"/v1/rooms/{room}/stream?{query}", headers=headers)
        self.response = self._line.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.response.close()
        self._line.close()

    def next(self) -> Sent | None:
        """The next event, or None at the end."""
        fields: dict[str, str] = {}
        while line := self.response.readline().decode():
            if line == "\n":
                if "data" in fields:
                    return Sent(fields.get("id", ""), json.loads(fields["data"]))
                continue
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
        return None

    def until_live(self) -> list[Sent]:
        """All up to ``live``, that included."""
        found: list[Sent] = []
        while not found or found[-1].data["event_type"] != "live":
            sent = self.next()
            assert sent is not None
            found.append(sent)
        return found


def say(server: Server, room: str, *texts: str) -> None:
    for text in texts:
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": text})


@pytest.fixture
def epoch(server: Server, room: str) -> str:
    found: str = server.ask("GET", f"/v1/rooms/{room}")["epoch"]
    return found


def test_a_stream_begins_at_the_present_and_its_events_have_ids(server: Server, room: str, epoch: str) -> None:
    say(server, room, "before")
    with Listening(server, room) as stream:
        assert stream.response.status == 200
        assert stream.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["Cache-Control"] == "no-store"
        assert stream.until_live() == [Sent("", {"event_type": "live", "last": 1})]
        say(server, room, "two\nlines\0", "next")
        first, second = stream.next(), stream.next()
    assert first is not None
    assert second is not None
    assert (first.id, second.id) == (f"{epoch}.2", f"{epoch}.3")
    assert [first.data, second.data] == server.history(room)[1:]


def test_a_browser_resumes_from_its_last_event_id(server: Server, room: str, epoch: str) -> None:
    say(server, room, *map(str, range(10)))
    with Listening(server, room, last_event_id=f"{epoch}.7") as stream:
        assert [sent.id for sent in stream.until_live()] == [f"{epoch}.8", f"{epoch}.9", f"{epoch}.10", ""]


def test_the_last_event_id_counts_more_than_the_address_with_which_the_stream_was_opened(
    server: Server, room: str, epoch: str
) -> None:
    say(server, room, *map(str, range(5)))
    with Listening(server, room, "after=0", f"{epoch}.4") as stream:
        assert [sent.id for sent in stream.until_live()] == [f"{epoch}.5", ""]


@pytest.mark.parametrize("last_event_id", ["nonsense", "a.b", ".", "x.-1", "x." + "9" * 5_000])
def test_an_id_that_no_stream_has_sent_is_ignored(server: Server, room: str, last_event_id: str) -> None:
    say(server, room, "one")
    with Listening(server, room, last_event_id=last_event_id) as stream:
        assert [sent.data["event_type"] for sent in stream.until_live()] == ["live"]


def test_other_clients_resume_by_the_address(server: Server, room: str, epoch: str) -> None:
    say(server, room, *map(str, range(5)))
    for query in (f"after=3&epoch={epoch}", "after=3", f"since=3&epoch={epoch}"):
        with Listening(server, room, query) as stream:
            assert [sent.id for sent in stream.until_live()] == [f"{epoch}.4", f"{epoch}.5", ""]


@pytest.mark.parametrize(
    ("last_event_id", "reason", "numbers"), [("other.2", "epoch", [1, 2, 3]), ("{epoch}.9", "ahead", [])]
)
def test_a_stream_that_can_not_be_resumed_exactly_begins_with_a_gap_without_an_id(
    server: Server, room: str, epoch: str, last_event_id: str, reason: str, numbers: list[int]
) -> None:
    say(server, room, "a", "b", "c")
    with Listening(server, room, last_event_id=last_event_id.format(epoch=epoch)) as stream:
        gap, *rest = stream.until_live()
    assert gap == Sent("", {"event_type": "gap", "reason": reason, "first": 1, "last": 3})
    assert [sent.data["seq"] for sent in rest[:-1]] == numbers


def test_the_newest_messages_come_first_where_they_were_asked_for(server: Server, room: str) -> None:
    say(server, room, *map(str, range(10)))
    with Listening(server, room, "last=2") as stream:
        assert [sent.data.get("text") for sent in stream.until_live()] == ["8", "9", None]


def test_a_long_history_streams_whole(server: Server, room: str) -> None:
    say(server, room, *("x" * 12_000 + str(number) for number in range(60)))
    with Listening(server, room, "after=0") as stream:
        assert [sent.data["text"][12_000:] for sent in stream.until_live()[:-1]] == [str(n) for n in range(60)]


def test_a_stream_ends_with_its_room(server: Server) -> None:
    made = server.make_room()
    with Listening(server, made["id"]) as stream:
        stream.until_live()
        server.ask("DELETE", f"/v1/rooms/{made['id']}", token=made["owner_token"])
        last = stream.next()
        assert last is not None
        assert last.data["event_type"] == "room_closed"
        assert stream.next() is None
    with Listening(server, made["id"], "after=0") as stream:
        assert [sent.data["event_type"] for sent in stream.until_live()] == ["room_closed", "live"]
        assert stream.next() is None


@pytest.mark.parametrize("said", [(), ("one", "two", "three")], ids=["never used", "used"])
@pytest.mark.parametrize("query", ["", "after=0", "after=1", "last=2", "after=999", "after=0&epoch=another", "last=0"])
def test_a_browser_that_comes_back_to_a_closed_room_is_asked_to_stop(
    server: Server, query: str, said: tuple[str, ...]
) -> None:
    made = server.make_room()
    room = made["id"]
    say(server, room, *said)
    server.ask("DELETE", f"/v1/rooms/{room}", token=made["owner_token"])
    seen = ""
    statuses: list[int] = []
    while 204 not in statuses:
        assert len(statuses) < 3, "a browser would go on forever"
        with Listening(server, room, query, seen) as stream:
            statuses.append(stream.response.status)
            while sent := stream.next():
                seen = sent.id or seen
    new_to_it = query in ("after=0", "last=2", "after=0&epoch=another") or (query == "after=1" and said)
    assert statuses[0] == (200 if new_to_it else 204)


def test_a_room_that_is_gone_is_not_found_by_a_stream_that_comes_back(server: Server) -> None:
    with Listening(server, "2SzErhA2PvYGjf4PQ4pvTh9BfE0", last_event_id="0123456789abcdef.7") as stream:
        assert stream.response.status == 404


def test_an_older_version_of_http_hears_the_same_and_no_chunks_until_the_connection_ends(server: Server) -> None:
    made = server.make_room()
    say(server, made["id"], "before")
    with (
        Listening(server, made["id"], "after=0") as newer,
        Listening(server, made["id"], "after=0", older="HTTP/1.0") as older,
    ):
        assert newer.response.headers["Transfer-Encoding"] == "chunked"
        assert older.response.status == 200
        assert "Transfer-Encoding" not in older.response.headers
        assert older.until_live() == newer.until_live()
        say(server, made["id"], "after")
        server.ask("DELETE", f"/v1/rooms/{made['id']}", token=made["owner_token"])
        heard = [older.next() for _ in range(3)]
        assert heard == [newer.next() for _ in range(3)]
    assert [sent and sent.data["event_type"] for sent in heard] == ["message", "room_closed", None]


def test_a_listener_is_not_a_participant(server: Server, room: str) -> None:
    with Listening(server, room) as stream:
        stream.until_live()
        assert ask(server, "GET", f"/v1/rooms/{room}/participants").json == {"participants": []}


def test_streams_that_the_server_ends_are_counted_with_the_reason(server: Server) -> None:
    made = server.make_room()
    slow, over = cut_for(server, 4008), cut_for(server, 4510)
    with Listening(server, made["id"]) as stream:
        stream.until_live()
        with Listening(server, made["id"]) as idle:
            text = "x" * 16_000
            while cut_for(server, 4008) == slow:
                say(server, made["id"], text)
                sent = stream.next()
                assert sent
                assert sent.data["seq"] < 1_000
            idle.response.close()
        server.ask("DELETE", f"/v1/rooms/{made['id']}", token=made["owner_token"])
        assert stream.next()
        assert stream.next() is None
    assert (cut_for(server, 4008), cut_for(server, 4510)) == (slow + 1, over + 1)


def test_a_stream_that_fails_is_broken_off_without_another_byte(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        say(server, room, "one", "two", "three")
        server.stop()
        with closing(sqlite3.connect(tmp_path / "data" / "chatty.db")) as db:
            db.execute("UPDATE events SET body = 'no JSON' WHERE key & 255 = 2")
            db.commit()
        server.start()
        answer = raw(server, b"GET /v1/rooms/%b/stream?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n" % room.encode())
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"HTTP/1.1") == 1
        assert not answer.endswith(b"0\r\n\r\n")  # else it would look like a stream's end
        assert "a stream failed" in server.log
        assert room not in server.log
