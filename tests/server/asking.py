"""One HTTP request to a server, exactly as the test says it; and how a WebSocket ends."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from typing import Any, NamedTuple

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from chatty.errors import CODES
from tests.support.server import PATIENCE, Server

UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(server: Server, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """``body`` goes as it is if it is bytes, as JSON otherwise."""
    sent = {"Content-Type": "application/json"} if body is not None else {}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection = server.line()
    try:
        connection.request(method, path, body=data, headers=sent | (headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def refusal(answer: Answer) -> tuple[int, str]:
    """The status and the code of a refusal, which must be a whole problem document."""
    assert answer.headers.get_content_type() == "application/problem+json", answer
    problem = answer.json
    assert set(problem) == {"title", "status", "detail", "code", *(["request_id"] if answer.status >= 500 else [])}
    assert problem["status"] == answer.status
    assert problem["code"] in CODES
    assert problem["title"]  # which one: see tests/server/platform/network/test_responses.py
    assert problem["detail"]
    return answer.status, problem["code"]


def raw(server: Server, request: bytes) -> bytes:
    """All that a server says to ``request``, to which it must answer by closing."""
    with server.dial() as line:
        answer = b""
        # It may have had enough before the end.
        with contextlib.suppress(ConnectionError):
            line.sendall(request)
        with contextlib.suppress(ConnectionError):
            while part := line.recv(65_536):
                answer += part
    return answer


async def close_code(socket: ClientConnection) -> int | None:
    """Reads to the end; gives the code that came with it."""
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(socket.recv(), PATIENCE)
    return socket.close_code
