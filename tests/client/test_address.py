from __future__ import annotations

import pytest

from chatty.client.address import base_url, origin, room_path


@pytest.mark.parametrize(
    ("server", "base", "port_written"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("wss://Chat.Example.org", "https://chat.example.org", "https://chat.example.org:443"),
        ("https://example.org:443/chat/", "https://example.org/chat", "https://example.org:443"),
        ("ws://[::1]:8080", "http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_every_spelling_of_an_address_has_one_form(server: str, base: str, port_written: str) -> None:
    assert base_url(server) == base
    assert origin(server) == port_written


@pytest.mark.parametrize(
    "server", ["", "http://", "ftp://example.org", "http://a?b=c", "http://a#b", "http://a:99999", "http://john:pw@a"]
)
def test_what_is_no_address_is_refused_before_anything_is_sent(server: str) -> None:
    with pytest.raises(ValueError, match=r"address|[Pp]ort"):
        base_url(server)


def test_an_id_cannot_lead_to_another_path() -> None:
    assert room_path("../../metrics", "ws") == "/v1/rooms/..%2F..%2Fmetrics/ws"
    assert room_path("a?b#c") == "/v1/rooms/a%3Fb%23c"
