"""Bad input of any kind gets a code, does no harm to others, and is never stored in part."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import secrets
import socket
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chatty.errors import CODES
from chatty.protocol import IN_FLIGHT, Close
from chatty.server.platform.network.frames import close_frame
from tests.server.asking import UPGRADE, ask, raw, refusal
from tests.support.faults import eventually
from tests.support.server import PATIENCE, Server

HEAD = b"Host: localhost\r\nConnection: close\r\n"


def post(room: str, body: bytes, *headers: bytes) -> bytes:
    lines = [b"Content-Length: %d" % len(body), b"Content-Type: application/json", *headers]
    return b"POST /v1/rooms/%b/messages HTTP/1.1\r\n%b%b\r\n\r\n%b" % (room.encode(), HEAD, b"\r\n".join(lines), body)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.fixture(autouse=True)
def _nothing_goes_wrong(server: Server) -> Iterator[None]:
    """After every test here the server runs, answers and has reported no mistake of its own."""
    yield
    assert server.running
    assert ask(server, "GET", "/readyz").status == 200
    assert "error" not in server.log, server.log


# --- HTTP ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"Idempotency-Key", b"Authorization", b"Origin", b"Last-Event-ID"])
@pytest.mark.parametrize("value", [b"\xff", b"Bearer \xff\xfe", b"\xed\xa0\x80"])
def test_headers_that_are_not_utf8_are_refused(server: Server, room: str, name: bytes, value: bytes) -> None:
    answer = raw(server, post(room, b'{"participant":"a","text":"b"}', name + b": " + value))
    assert status(answer) == 400
    assert b'"code":"bad_request"' in answer
    assert server.history(room) == []


@pytest.mark.parametrize("path", [b"/v1/rooms/\xff", b"/chat/join?name=a&room=\xff", b"/chat/join?name=\xff&room=x"])
def test_addresses_that_are_not_utf8_are_refused(server: Server, path: bytes) -> None:
    headers = b"".join(f"{name}: {value}\r\n".encode() for name, value in UPGRADE.items())
    assert status(raw(server, b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (path, headers))) == 400


@pytest.mark.parametrize("coded", ["%FF", "%ff%fe", "%C3", "%ED%A0%80", "a%FFb"])
def test_addresses_that_are_not_utf8_are_refused_in_any_spelling(server: Server, room: str, coded: str) -> None:
    plain = {"Content-Type": "text/plain"}
    for method, path, body in (
        ("POST", f"/chat?name={coded}", None),
        ("POST", f"/v1/rooms/{room}/messages?name={coded}", b"x"),
        ("GET", f"/v1/rooms/{room}/events?q={coded}", None),
        ("GET", f"/v1/rooms/{room}/stream?epoch={coded}", None),
        ("GET", f"/v1/rooms/{room}?{coded}", None),
        ("GET", f"/v1/rooms/{coded}", None),
    ):
        assert refusal(ask(server, method, path, body, plain if body else None)) == (400, "bad_request")
    assert server.history(room) == []


def test_a_body_of_50_mb_is_refused_without_being_kept(server: Server, room: str) -> None:
    answer = raw(server, post(room, b'{"participant":"a","text":"' + b"x" * 50_000_000 + b'"}'))
    assert answer == b"" or status(answer) == 413  # the refusal may be lost where the sender goes on talking
    assert server.history(room) == []


def test_a_body_above_128_kib_is_too_large(server: Server, room: str) -> None:
    answer = raw(server, post(room, b'{"participant":"a","text":"' + b"x" * 131_072 + b'"}'))
    assert status(answer) == 413
    assert b'"code":"too_large"' in answer


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_bomb_is_refused(server: Server, room: str, coding: str) -> None:
    bomb = b'{"participant":"a","text":"' + b"x" * 100_000_000 + b'"}'
    body = gzip.compress(bomb, 9) if coding == "gzip" else zlib.compress(bomb, 9)
    assert status(raw(server, post(room, body, f"Content-Encoding: {coding}".encode()))) == 413


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br"])
def test_a_body_with_another_encoding_than_its_header_says_is_refused(server: Server, room: str, coding: bytes) -> None:
    assert status(raw(server, post(room, b'{"participant":"a","text":"b"}', b"Content-Encoding: " + coding))) == 400


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\xff\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/rooms HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
)
def test_a_request_that_is_not_http_is_refused(server: Server, request_: bytes) -> None:
    assert 400 <= status(raw(server, request_)) < 500


@given(st.dictionaries(st.sampled_from(["after", "before", "limit", "type"]), st.text(max_size=30), max_size=4))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_is_answered_or_refused(server: Server, room: str, query: dict[str, str]) -> None:
    text = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query.items())
    answer = ask(server, "GET", f"/v1/rooms/{room}/events?{text}")
    assert answer.status == 200 or refusal(answer) == (400, "bad_request")


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("\u0301")
@example("ﷺ")
@example("\u3164")
def test_any_name_is_taken_as_it_is_but_for_its_edges_or_refused(server: Server, room: str, name: str) -> None:
    path = f"/v1/rooms/{room}/messages?name={quote(name, errors='replace')}"
    answer = ask(server, "POST", path, b"text", {"Content-Type": "text/plain"})
    if answer.status == 201:
        assert answer.json["participant"] == name.strip()
    else:
        assert refusal(answer) == (400, "name_invalid")


@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["participant", "text", "name", "topic", "expires_in", "reply_to"]), inner, max_size=5
        ),
    ),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_is_taken_or_refused(server: Server, room: str, body: bytes) -> None:
    for path in ("/v1/rooms", f"/v1/rooms/{room}/messages"):
        answer = ask(server, "POST", path, body)
        assert answer.status == 201 or refusal(answer)[0] in (400, 413)


# --- WebSocket ----------------------------------------------------------------------------------------------


def frame(payload: bytes, head: int = 0x81) -> bytes:
    """A masked frame, as clients send them; the mask is nought, so the payload is readable."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = b"\xfe" + size.to_bytes(2)
    else:
        length = b"\xff" + size.to_bytes(8)
    return bytes([head]) + length + bytes(4) + payload


def upgrade(path: str, extra: str = "") -> bytes:
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{extra}\r\n"
    ).encode()


def close_code(answer: bytes) -> int:
    """The code of the close frame with which ``answer`` ends."""
    at = answer.rindex(b"\x88")
    return int.from_bytes(answer[at + 2 : at + 4])


@pytest.mark.parametrize("path", ["/chat/join?name=a&room={}", "/v1/rooms/{}/ws?name=a"])
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(b"\xff\xfe"), 1007),
        (frame(b"\xed\xa0\x80"), 1007),
        (frame(b"x", 0x82), 1003),
        (frame(b"x" * 131_073), 1009),
        (bytes([0x81, 0xFF]) + (50_000_000).to_bytes(8) + bytes(4), 1009),
        (frame(b"x" * 65_000, 0x01) + frame(b"x" * 65_000, 0x00) + frame(b"x" * 65_000, 0x80), 1009),
        (frame(zlib.compress(b"x" * 10_000_000), 0xC1), 1002),
        (frame(b"x", 0x83), 1002),
        (frame(b"x", 0x80), 1002),
        (frame(b"x" * 126, 0x89), 1002),
        (frame(b"\x00", 0x88), 1002),
    ],
)
def test_an_invalid_frame_ends_the_connection_with_the_reason(
    server: Server, room: str, path: str, sent: bytes, code: int
) -> None:
    answer = raw(server, upgrade(path.format(room)) + sent)
    assert status(answer) == 101
    assert close_code(answer) == code


def test_a_client_with_much_under_way_may_answer_the_close_and_gets_nothing_more(server: Server, room: str) -> None:
    said, goodbye = frame(b'{"op":"send","text":"%b"}' % (b"x" * 2_000)), frame(b"\x03\xeb", 0x88)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as line:
        line.sendall(upgrade(f"/v1/rooms/{room}/ws?name=a") + said * 100)
        line.sendall(frame(b"x", 0x82) + said * IN_FLIGHT + goodbye)
        answer = b""
        while part := line.recv(65_536):  # which a reset would end, as it comes where something was left unread
            answer += part
    assert answer.endswith(close_frame(Close.BINARY))


def test_a_client_that_is_gone_before_the_handshake_ends_is_not_reported_as_a_fault(server: Server, room: str) -> None:
    for number in range(20):
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # to close is a reset
            line.sendall(upgrade(f"/v1/rooms/{room}/ws?name=n{number}"))
    eventually(lambda: ask(server, "GET", f"/v1/rooms/{room}/participants").json["participants"] == [], "all are gone")
    assert 'chatty_refusals_total{code="internal"} 0.0' in ask(server, "GET", "/metrics").body.decode()
    assert "Traceback" not in server.log


def test_compression_is_never_agreed_to(server: Server, room: str) -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    for path in (f"/chat/join?name=a&room={room}", f"/v1/rooms/{room}/ws?name=b"):
        answer = raw(server, upgrade(path, offer) + frame(b"\x03\xe8", 0x88))
        assert status(answer) == 101
        assert b"extensions" not in answer.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    "change",
    [
        {"Upgrade": "h2c"}, {"Connection": "close"}, {"Sec-WebSocket-Version": "99"}, {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": ""},
    ],
)  # fmt: skip
def test_half_an_upgrade_joins_nobody(server: Server, room: str, change: dict[str, str]) -> None:
    for path in (f"/chat/join?name=a&room={room}", f"/v1/rooms/{room}/ws?name=a"):
        assert refusal(ask(server, "GET", path, headers=UPGRADE | change)) == (426, "upgrade_required")
    assert server.history(room) == []


def test_an_upgrade_in_a_version_that_knows_none_joins_nobody(server: Server, room: str) -> None:
    for path in (f"/chat/join?name=a&room={room}", f"/v1/rooms/{room}/ws?name=a"):
        older = upgrade(path).replace(b"HTTP/1.1", b"HTTP/1.0")
        assert status(raw(server, older + frame(b"\x03\xe8", 0x88))) == 426
    assert server.history(room) == []


commands: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=60),
    st.fixed_dictionaries(
        {"op": st.sampled_from(["send", "produce", "edit", "delete", "react", "fly", 1, None])},
        optional={
            "of": st.one_of(st.integers(), st.floats()),
            "reply_to": st.one_of(st.integers(), st.none()),
            "reaction": st.text(max_size=40),
            "text": st.one_of(st.text(max_size=20), st.none(), st.integers()),
            "n": st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.none()),
            "ref": st.one_of(st.text(max_size=80), st.integers()),
            "producer": st.one_of(st.just("2SzErhA2PvYGjf4PQ4pvTh9BfE0"), st.text(max_size=30), st.none()),
        },
    ).map(lambda value: json.dumps(value, ensure_ascii=False, default=str)),
    st.fixed_dictionaries({"op": st.just("send"), "text": st.text(min_size=1, max_size=20)}).map(json.dumps),
)


@given(st.lists(commands, max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(['{"op":"send","text":"a","z":' + "[" * 100_000, '{"op":"send","text":"\\ud800"}'])
@example(
    ['{"op":"produce","producer":"2SzErhA2PvYGjf4PQ4pvTh9BfE0"}', '{"op":"send","text":"x","n":9223372036854775807}']
)
@example(['{"op":"send","text":"x","n":123456789012345678901234567890}', '{"op":"send","text":"x","n":-1}'])
def test_any_commands_are_each_answered_in_order_until_ten_were_invalid(
    server: Server, room: str, said: list[str]
) -> None:
    said = [text.encode("utf-8", "replace").decode() for text in said]

    async def talk() -> tuple[list[Any], int]:
        answers: list[Any] = []
        url = f"ws://127.0.0.1:{server.port}/v1/rooms/{room}/ws?name=fuzz&join=false"
        async with connect(url, compression=None, ping_interval=None, max_queue=None) as socket:
            try:
                for text in said:
                    await socket.send(text)
                while len(answers) < len(said):
                    heard = json.loads(await asyncio.wait_for(socket.recv(), 30))
                    if heard["event_type"] in ("ack", "error", "producing"):
                        answers.append(heard)
            except ConnectionClosed:
                while True:
                    try:
                        heard = json.loads(await socket.recv())
                    except ConnectionClosed:
                        break
                    if heard["event_type"] in ("ack", "error", "producing"):
                        answers.append(heard)
        return answers, socket.close_code or 0

    answers, code = asyncio.run(talk())
    for answer in answers:
        assert answer.get("code", "bad_request") in CODES
        assert answer.get("code") != "internal"
    invalid = [answer.get("code") == "bad_request" for answer in answers]
    if code == 4501:
        assert invalid[-10:] == [True] * 10
    else:
        assert len(answers) == len(said)
        assert code == 1000
