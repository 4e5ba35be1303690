from __future__ import annotations

import pytest

from chatty.client.network.address import (
    base_url,
    base_urls,
    canonical_url,
    first_of,
    is_this_machine,
    origin,
    room_path,
    shares_address,
)


@pytest.mark.parametrize(
    ("server", "base", "port_written"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("wss://Chat.Example.org", "https://chat.example.org", "https://chat.example.org:443"),
        ("https://example.org:443/chat/", "https://example.org/chat", "https://example.org:443"),
        ("ws://[::1]:8080", "http://[::1]:8080", "http://127.0.0.1:8080"),
        ("ws://[2001:DB8:0::1]:8080", "http://[2001:db8:0::1]:8080", "http://[2001:db8::1]:8080"),
    ],
)
def test_every_spelling_of_an_address_has_one_form(server: str, base: str, port_written: str) -> None:
    assert base_url(server) == base
    assert origin(server) == port_written


LOCAL = ["127.0.0.1", "localhost", "LocalHost", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("host", LOCAL)
def test_all_names_of_this_machine_are_one_server_but_each_is_connected_to_as_it_is_written(host: str) -> None:
    assert origin(f"http://{host}:8080") == "http://127.0.0.1:8080"
    assert base_url(f"http://{host}:8080") == f"http://{host.lower()}:8080"


@pytest.mark.parametrize(
    "host", [*(host.strip("[]") for host in LOCAL), "127.8.9.1", "chat.localhost.", "0.0.0.0", "::"]
)
def test_this_machine_is_known_by_all_of_its_names(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["", "localhost.example", "mylocalhost", "128.0.0.1", "::2", "chat.example"])
def test_another_machine_is_not_this_one(host: str) -> None:
    assert not is_this_machine(host)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://localhost:8080/", "127.0.0.1:8080", True),
        ("https://Chat.Example.org.", "https://chat.example.org:443", True),
        ("https://bücher.example", "https://xn--bcher-kva.example/", True),
        ("https://example.org/chat/", "https://example.org/chat", True),
        ("https://example.org/chat", "https://example.org", False),
        ("http://localhost:8080", "http://localhost:8081", False),
        ("http://localhost:8080", "https://localhost:8080", False),
        ("http://127.0.0.1:8080", "http://127.0.0.2:8080", False),
        ("http://localhost:8080", "http://localhost.example:8080", False),
    ],
)
def test_addresses_are_one_server_if_they_lead_to_the_same_place(one: str, other: str, same: bool) -> None:
    assert (canonical_url(one) == canonical_url(other)) is same


@pytest.mark.parametrize(
    "server",
    [
        "",
        "http://",
        ".",
        "http://a..b",
        "ftp://example.org",
        "http://a?b=c",
        "http://a#b",
        "http://a:99999",
        "http://john:pw@a",
    ],
)
def test_an_invalid_address_is_refused_before_anything_is_sent(server: str) -> None:
    with pytest.raises(ValueError, match=r"address|[Pp]ort"):
        base_url(server)


def test_an_id_cannot_lead_to_another_path() -> None:
    assert room_path("../../metrics", "ws") == "/v1/rooms/..%2F..%2Fmetrics/ws"
    assert room_path("a?b#c") == "/v1/rooms/a%3Fb%23c"


def test_a_server_may_have_several_addresses_of_which_the_first_says_which_server_it_is() -> None:
    server = "LOCALHOST:1/x/, https://b/,wss://B:443"
    assert base_urls(server) == ["http://localhost:1/x", "https://b"]
    assert (first_of(server), origin(server), canonical_url(server)) == (
        "LOCALHOST:1/x/",
        "http://127.0.0.1:1",
        "http://127.0.0.1:1/x",
    )


@pytest.mark.parametrize(
    ("one", "other", "shares"),
    [
        ("http://a,http://b", "b:80", True),
        ("localhost:1", "http://a,127.0.0.1:1/", True),
        ("http://a,http://b", "http://b,http://c", True),
        ("http://a,http://b", "https://b", False),
        ("http://a,http://b/behind", "http://b", False),
    ],
)
def test_servers_share_an_address_however_it_is_spelled(one: str, other: str, shares: bool) -> None:
    assert shares_address(one, other) == shares
