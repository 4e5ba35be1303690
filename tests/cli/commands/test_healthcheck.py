"""`healthcheck` asks the server that is meant, wherever its settings put it, and nothing in between."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from tests.cli.user import User
from tests.support.certificates import Authority
from tests.support.faults import eventually
from tests.support.server import Server, free_port


def well(server: Server) -> str:
    return f"the server at {server.url} is healthy\n"


def test_a_server_is_found_by_what_it_noted_in_its_data(user: User, own_server: Server) -> None:
    assert user.here.says("healthcheck", "--data", str(own_server.data)) == well(own_server)
    env = {**user.env, "CHATTY_DATA": str(own_server.data), "CHATTY_PORT": "1", "CHATTY_HOST": "192.0.2.1"}
    assert user.here.says("healthcheck", env=env) == well(own_server)


def test_without_a_note_it_is_where_the_settings_say(user: User, own_server: Server, tmp_path: Path) -> None:
    env = {**user.env, "CHATTY_DATA": str(tmp_path / "elsewhere"), "CHATTY_PORT": str(own_server.port)}
    assert user.here.says("healthcheck", env=env) == well(own_server)
    for host in ("127.0.0.1", "0.0.0.0"):
        assert user.here.says("healthcheck", env={**env, "CHATTY_HOST": host}) == well(own_server)
    told = user.here.fails(1, "healthcheck", "--host", "::", "--port", str(free_port()), env=env)
    assert told.startswith("error: the server at http://[::1]:")


def test_no_proxy_is_asked(user: User, own_server: Server) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    env = {**user.env, "http_proxy": dead, "HTTP_PROXY": dead, "all_proxy": dead}
    assert user.says("healthcheck", "--data", str(own_server.data), env=env) == well(own_server)


def test_the_host_check_is_not_in_its_way(user: User, tmp_path: Path) -> None:
    options = ("--allowed-host", "chat.example.org", "--host", "0.0.0.0", "--access", "open")
    with Server(tmp_path / "data", *options) as server:
        assert user.here.says("healthcheck", "--data", str(server.data)) == well(server)


def test_a_certificate_need_not_be_for_this_machine(user: User, tmp_path: Path) -> None:
    authority = Authority()
    files = authority.issue(tmp_path)
    with Server(tmp_path / "data", *files.options, trusting=authority.trusting) as server:
        authority.issue(tmp_path, "chat.example")
        server.signal(signal.SIGHUP)
        eventually(lambda: "was read again" in server.log, "the other certificate is in use")
        assert user.says("healthcheck", "--data", str(server.data)) == well(server)


def test_a_server_that_is_gone_or_hangs_is_not_well(user: User, own_server: Server) -> None:
    arguments = ("healthcheck", "--data", str(own_server.data))
    hint = "hint:  see its log\n"
    own_server.signal(signal.SIGSTOP)
    assert user.here.fails(1, *arguments) == f"error: the server at {own_server.url} is not healthy (timed out)\n{hint}"
    own_server.signal(signal.SIGCONT)
    assert user.here.says(*arguments) == well(own_server)
    own_server.kill9()
    assert user.here.fails(1, *arguments) == (
        f"error: the server at {own_server.url} is not healthy (connection refused)\n{hint}"
    )


def test_a_server_that_stopped_leaves_no_note(own_server: Server) -> None:
    note = own_server.data / "address"
    assert note.read_text() == f"{own_server.url}\n"
    own_server.stop()
    assert not note.exists()


@pytest.mark.parametrize("said", [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_something_else_there_is_not_well(user: User, tmp_path: Path, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = user.start("healthcheck", "--data", str(tmp_path), "--port", str(other.getsockname()[1]))
        connection, _ = other.accept()
        with connection:
            connection.sendall(said)
            _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"is not healthy (" in err
