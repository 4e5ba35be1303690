"""Proxies' headers decide the URL of a new room, and nothing else."""

from __future__ import annotations

import pytest

from tests.server.asking import ask
from tests.support.server import Server


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Proto": "https"}, "https://127.0.0.1:{port}"),
        ({"X-Forwarded-Proto": "https, http"}, "https://127.0.0.1:{port}"),
        ({"X-Forwarded-Proto": "http,https"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Proto": "gopher"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Host": "chat.example, inner:8080"}, "http://chat.example"),
        ({"X-Forwarded-Host": "chat.example:8443", "X-Forwarded-Proto": "HTTPS"}, "https://chat.example:8443"),
        ({"X-Forwarded-Host": "evil.example/x"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Prefix": "/chatty"}, "http://127.0.0.1:{port}/chatty"),
        ({"X-Forwarded-Prefix": "/chatty/"}, "http://127.0.0.1:{port}/chatty"),
        ({"X-Forwarded-Prefix": "/apps, /chatty"}, "http://127.0.0.1:{port}/apps/chatty"),
        ({"X-Forwarded-Prefix": "/"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Prefix": "chatty"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Prefix": "//evil.example"}, "http://127.0.0.1:{port}"),
        ({"X-Forwarded-Prefix": "/, /evil.example"}, "http://127.0.0.1:{port}/evil.example"),
        ({"X-Forwarded-Prefix": "/a?b"}, "http://127.0.0.1:{port}"),
    ],
)
def test_a_new_rooms_address_is_the_one_that_its_maker_can_use(
    server: Server, headers: dict[str, str], base: str
) -> None:
    made = ask(server, "POST", "/v1/rooms", {"name": "x"}, headers)
    base = base.format(port=server.port)
    assert made.status == 201
    assert made.json["url"] == f"{base}/v1/rooms/{made.json['id']}"
    path = "/" + "/".join(base.split("/")[3:]) if base.count("/") > 2 else ""
    assert made.headers["Location"] == f"{path}/v1/rooms/{made.json['id']}"
