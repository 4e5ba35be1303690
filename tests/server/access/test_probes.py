"""What monitoring asks for is for this machine and for administrators, where a server lets nobody else in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.support.server import Server

FROM_ELSEWHERE = {"X-Forwarded-For": "192.0.2.7"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("server") / "data"
    with Server(data, "--access", "token", "--trusted-proxy", "127.0.0.1") as running:
        yield running


def status(server: Server, path: str, token: str = "", **headers: str) -> int:
    line = server.line()
    line.request("GET", path, headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}))
    found = line.getresponse().status
    line.close()
    return found


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_probes_that_cost_or_tell_something_are_for_this_machine_and_for_administrators(
    server: Server, path: str
) -> None:
    admin = server.operate("POST", "/v1/tokens", {"name": f"root{path[1:]}", "admin": True})["token"]
    member = server.operate("POST", "/v1/tokens", {"name": f"ada{path[1:]}"})["token"]
    assert status(server, path) == 200
    assert status(server, path, **FROM_ELSEWHERE) == 401
    assert status(server, path, member, **FROM_ELSEWHERE) == 403
    assert status(server, path, admin, **FROM_ELSEWHERE) == 200


def test_whether_the_process_lives_is_no_secret(server: Server) -> None:
    assert status(server, "/healthz", **FROM_ELSEWHERE) == 200


def test_an_open_server_tells_everybody(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--trusted-proxy", "127.0.0.1") as server:
        assert status(server, "/metrics", **FROM_ELSEWHERE) == 200


def test_a_token_is_never_asked_for_over_the_control_socket(server: Server) -> None:
    assert server.operate("GET", "/v1/me")["trust"] == "operator"
    with pytest.raises(HTTPError):
        server.ask("GET", "/v1/tokens?all=true")
