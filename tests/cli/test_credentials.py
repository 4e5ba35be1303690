"""Which credential is shown to which server: a file's, a login's or the key; and where none may go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatty.cli.config import Profile, client_key
from chatty.cli.credentials import check_safe, credential, forget_login, login_at, remember_login
from chatty.cli.failures import Failure
from chatty.client.identity import current
from chatty.credentials import new_token
from tests.cli.conftest import MakeEnvironment

MINE = Profile("default")
SERVER = "https://chat.example"


def test_a_file_goes_before_a_login_and_a_login_before_the_key(
    make_environment: MakeEnvironment, tmp_path: Path
) -> None:
    env, kept, filed = make_environment(), new_token(), new_token()
    assert credential(env, MINE, SERVER) == client_key(env, MINE, SERVER)
    remember_login(env, MINE, SERVER, kept)
    assert current(credential(env, MINE, SERVER)) == kept
    (tmp_path / "token").write_text(filed)
    assert current(credential(env, MINE._replace(token_file=tmp_path / "token"), SERVER)) == filed
    assert forget_login(env, MINE, SERVER)
    assert credential(env, MINE, SERVER) == client_key(env, MINE, SERVER)
    assert not forget_login(env, MINE, SERVER)


def test_a_login_is_for_one_server_and_one_profile(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember_login(env, MINE, SERVER, new_token())
    for other in ("http://chat.example", "https://chat.example:8443", "https://chat.example.org", f"{SERVER}/behind"):
        assert login_at(env, MINE, other) is None, other
    assert login_at(env, Profile("work"), SERVER) is None
    assert login_at(env, MINE, "HTTPS://Chat.Example.:443/") is not None
    assert [path.stat().st_mode & 0o077 for path in env.state_directory.iterdir()] == [0, 0]


def test_another_login_takes_the_place_of_the_first_also_for_what_runs(make_environment: MakeEnvironment) -> None:
    env, first, second = make_environment(), new_token(), new_token()
    remember_login(env, MINE, SERVER, first)
    shown = credential(env, MINE, SERVER)
    remember_login(env, MINE, SERVER, second)
    assert current(shown) == second
    forget_login(env, MINE, SERVER)
    assert current(shown) == second  # a command that runs is not cut off
    (env.state_directory / "logins.json").write_text("{")
    assert current(shown) == second


@pytest.mark.parametrize("server", ["http://chat.example", "http://10.0.0.7:8080", "http://[2001:db8::1]:8080"])
def test_a_token_goes_nowhere_where_it_could_be_read_on_the_way(
    make_environment: MakeEnvironment, tmp_path: Path, server: str
) -> None:
    env = make_environment()
    (tmp_path / "token").write_text(new_token())
    by_file = MINE._replace(token_file=tmp_path / "token")
    with pytest.raises(Failure, match="is not sent") as failure:
        credential(env, by_file, server)
    assert failure.value.status == 2
    credential(env, by_file._replace(insecure=True), server)
    remember_login(env, MINE, server, new_token())
    with pytest.raises(Failure, match="is not sent"):
        credential(env, MINE, server)
    remember_login(env, MINE._replace(insecure=True), server, new_token())
    credential(env, MINE, server)  # the user has said so once


@pytest.mark.parametrize(
    "server",
    ["https://chat.example", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "http://127.9.9.9"],
)
def test_a_token_may_go_over_tls_and_within_this_machine(server: str) -> None:
    check_safe(server, insecure=False)


def test_without_a_home_there_is_no_login(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    nowhere = type(env)(
        environ={},
        stdin=env.stdin,
        stdout=env.stdout,
        stderr=env.stderr,
        directories=(Path(os.devnull), Path(os.devnull)),
    )
    assert login_at(nowhere, MINE, SERVER) is None


def test_a_clusters_nodes_are_one_server_whose_login_and_key_are_the_first_ones(
    make_environment: MakeEnvironment,
) -> None:
    env, token, nodes = make_environment(), new_token(), f"{SERVER},https://b.example"
    assert credential(env, MINE, nodes) == client_key(env, MINE, SERVER)
    remember_login(env, MINE, nodes, token)
    assert current(credential(env, MINE, SERVER)) == current(credential(env, MINE, nodes)) == token
    with pytest.raises(Failure, match=r"a token for http://b\.example could be read"):
        credential(env, MINE, f"{SERVER},http://b.example")
