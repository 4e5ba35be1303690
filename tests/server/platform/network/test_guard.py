"""The guard: a page from elsewhere can't use a browser to reach a server on this machine."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from chatty.errors import Refused
from chatty.server.platform.network.guard import refusal_headers
from tests.server.asking import UPGRADE, ask, refusal
from tests.support.server import PATIENCE, Server

NOWHERE = "2SzErhA2PvYGjf4PQ4pvTh9BfE0"
HERE = (404, "room_not_found")
NOT_ALLOWED = (403, "not_allowed")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that answers to a name and to a page besides."""
    data = tmp_path_factory.mktemp("named") / "data"
    hosts = "chat.example, other.example, *.team.example, port.example:8443, bücher.example"
    origins = "https://page.example, https://other.example/, https://*.pages.example"
    with Server(data, "--allowed-host", hosts, "--allowed-origin", origins) as it:
        yield it


def asked(server: Server, **headers: str) -> tuple[int, str]:
    return refusal(ask(server, "GET", f"/v1/rooms/{NOWHERE}", headers=headers))


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.8.8.8:9", "[::1]:8080", "chat.localhost", "localhost."]
)
def test_names_of_this_machine_are_answered(server: Server, host: str) -> None:
    assert asked(server, Host=host) == HERE


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example", "[", ""]
)
def test_other_names_are_refused_with_the_option_that_allows_them(server: Server, host: str) -> None:
    answer = ask(server, "GET", f"/v1/rooms/{NOWHERE}", headers={"Host": host})
    assert refusal(answer) == NOT_ALLOWED
    assert "--allowed-host" in answer.json["detail"]


def test_names_that_were_allowed_are_answered(named: Server) -> None:
    for host in ("chat.example", "CHAT.example:443", "other.example", "localhost"):
        assert asked(named, Host=host) == HERE
    assert asked(named, Host="evil.example") == NOT_ALLOWED


@pytest.mark.parametrize(
    "host",
    ["CHAT.example.", "x.team.example", "port.example:8443", "xn--bcher-kva.example:80", "bücher.example", "[::1]:1"],
)
def test_a_host_is_answered_to_in_every_spelling(named: Server, host: str) -> None:
    assert asked(named, Host=host.encode().decode("latin-1")) == HERE


@pytest.mark.parametrize(
    "host", ["team.example", "*.team.example", "port.example", "port.example:443", "chat.example.x"]
)
def test_a_host_that_is_only_alike_is_not(named: Server, host: str) -> None:
    assert asked(named, Host=host) == NOT_ALLOWED


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_answered_by_any_name_and_to_head(server: Server, named: Server, path: str) -> None:
    for which in (server, named):
        for method in ("GET", "HEAD"):
            assert ask(which, method, path, headers={"Host": "10.1.2.3:8080"}).status == 200
    assert refusal(ask(server, "GET", path, headers={"Origin": "https://evil.example"})) == NOT_ALLOWED


def test_a_page_is_compared_with_its_scheme_and_port(named: Server) -> None:
    for host, origin in (
        ("chat.example", "https://chat.example:443"),
        ("chat.example:443", "https://chat.example"),
        ("chat.example:80", "http://chat.example"),
        ("chat.example:8443", "https://CHAT.example:8443"),
        ("chat.example", "https://x.pages.example"),
    ):
        assert asked(named, Host=host, Origin=origin) == HERE
    for host, origin in (
        ("chat.example:443", "http://chat.example"),
        ("chat.example", "https://chat.example:8443"),
        ("chat.example", "http://x.pages.example"),
        ("chat.example", "https://pages.example"),
    ):
        assert asked(named, Host=host, Origin=origin) == NOT_ALLOWED


def test_a_page_without_tls_may_not_use_a_server_that_is_reached_by_tls(named: Server) -> None:
    plain = {"Host": "chat.example", "Origin": "http://chat.example"}
    for forwarded in ("https", "HTTPS, http", " https ,https"):
        assert asked(named, **plain, **{"X-Forwarded-Proto": forwarded}) == NOT_ALLOWED
    for forwarded in ("http", "http, https", ""):
        assert asked(named, **plain, **{"X-Forwarded-Proto": forwarded}) == HERE
    assert asked(named, Host="chat.example", Origin="https://chat.example", **{"X-Forwarded-Proto": "http"}) == HERE


def test_a_page_of_this_server_may_ask(server: Server) -> None:
    assert asked(server, Origin=server.url) == HERE
    assert asked(server, Origin=f"http://localhost:{server.port}", Host=f"localhost:{server.port}") == HERE


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://[", "nonsense", "file://"]
)
def test_a_page_from_elsewhere_may_not(server: Server, origin: str) -> None:
    answer = ask(server, "GET", f"/v1/rooms/{NOWHERE}", headers={"Origin": origin})
    assert refusal(answer) == NOT_ALLOWED
    assert "--allowed-origin" in answer.json["detail"]


def test_a_page_that_was_allowed_may_ask(named: Server) -> None:
    assert asked(named, Origin="https://page.example") == HERE
    assert asked(named, Origin="https://other.example") == HERE
    assert asked(named, Origin="https://evil.example") == NOT_ALLOWED


def test_sockets_streams_and_posts_are_guarded_too(server: Server, room: str) -> None:
    from_elsewhere = {"Origin": "https://evil.example"}
    for path in (f"/chat/join?name=a&room={room}", f"/v1/rooms/{room}/ws?name=a"):
        assert refusal(ask(server, "GET", path, headers=UPGRADE | from_elsewhere)) == NOT_ALLOWED
    assert refusal(ask(server, "GET", f"/v1/rooms/{room}/stream", headers=from_elsewhere)) == NOT_ALLOWED
    assert refusal(ask(server, "POST", "/chat?name=a", headers=from_elsewhere)) == NOT_ALLOWED
    plain = {"Content-Type": "text/plain", **from_elsewhere}
    assert refusal(ask(server, "POST", f"/v1/rooms/{room}/messages?name=a", b"x", plain)) == NOT_ALLOWED
    assert server.history(room) == []


def test_a_client_that_lacks_something_learns_what_it_lacks(server: Server, room: str) -> None:
    answer = ask(server, "DELETE", f"/v1/rooms/{room}")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    answer = ask(server, "GET", f"/v1/rooms/{room}/ws?name=a")
    assert answer.status == 426
    assert (answer.headers["Connection"], answer.headers["Upgrade"]) == ("upgrade", "websocket")


@pytest.mark.parametrize(("wait", "said"), [(0.01, "1"), (1.0, "1"), (1.2, "2"), (59.5, "60")])
def test_a_client_that_waits_as_long_as_retry_after_says_is_not_too_early(wait: float, said: str) -> None:
    assert refusal_headers(Refused("rate_limited", retry_after=wait)) == {"Retry-After": said}


ALLOWED = {"Origin": "https://Page.example"}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


def test_a_page_that_was_allowed_is_let_read_the_answers_and_refusals(named: Server) -> None:
    room = named.make_room()["id"]
    for path, status in ((f"/v1/rooms/{room}", 200), (f"/v1/rooms/{NOWHERE}", 404), ("/nowhere", 404)):
        answer = ask(named, "GET", path, headers=ALLOWED)
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == "https://Page.example"
        assert answer.headers["Vary"] == "Origin"


def test_a_page_that_was_allowed_is_let_listen_to_a_stream(named: Server) -> None:
    path = f"/v1/rooms/{named.make_room()['id']}/stream"
    line = http.client.HTTPConnection("127.0.0.1", named.port, timeout=PATIENCE)
    try:
        line.request("GET", path, headers=ALLOWED)
        assert line.getresponse().headers["Access-Control-Allow-Origin"] == "https://Page.example"
    finally:
        line.close()


def test_a_page_that_was_allowed_may_ask_beforehand_for_every_method(named: Server) -> None:
    for path in ("/v1/rooms", f"/v1/rooms/{NOWHERE}/messages", f"/v1/rooms/{NOWHERE}/messages/1/reactions/x"):
        answer = ask(named, "OPTIONS", path, headers=ALLOWED | PREFLIGHT)
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "https://Page.example"
        assert {"POST", "PUT", "PATCH", "DELETE"} < set(answer.headers["Access-Control-Allow-Methods"].split(", "))
        assert {"Authorization", "Content-Type"} < set(answer.headers["Access-Control-Allow-Headers"].split(", "))


def test_other_pages_are_let_do_and_read_nothing(named: Server, server: Server) -> None:
    for which in (named, server):
        for origin in ("https://evil.example", "null"):
            answer = ask(which, "OPTIONS", "/v1/rooms", headers={"Origin": origin, **PREFLIGHT})
            assert refusal(answer) == NOT_ALLOWED
            assert "Access-Control-Allow-Origin" not in answer.headers
    own = ask(server, "GET", f"/v1/rooms/{NOWHERE}", headers={"Origin": server.url})
    assert "Access-Control-Allow-Origin" not in own.headers
    assert refusal(ask(server, "OPTIONS", "/v1/rooms")) == (405, "method_not_allowed")
