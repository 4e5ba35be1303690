"""`login --sso`: somebody signs in at a real OpenID provider, in a browser, and stays logged in."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.user import Running, User
from tests.support.openid import Provider, approve
from tests.support.server import PATIENCE, Server

PEOPLE: Final = {"ada": {"preferred_username": "Ada", "groups": ["admins"]}} | {
    name.lower(): {"preferred_username": name} for name in ("Bo", "Cy", "Dan", "Eve", "Flo", "Gus", "Hal")
}
"""Whoever is changed by a test is in no other."""

SignIn = Callable[..., None]


def believing(provider: Provider, data: Path) -> Server:
    issuer = ("--oidc-issuer", provider.url, "--oidc-client-id", "chatty-ES256", "--oidc-admin", "admins")
    return Server(data, "--access", "token", *issuer)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("sign-in")
    with Provider(directory, PEOPLE) as provider, believing(provider, directory / "data") as server:
        yield server


@pytest.fixture
def user(server: Server, tmp_path: Path) -> Iterator[User]:
    with User(tmp_path / "home", server.url) as user:
        yield user


def begun(user: User, *options: str) -> tuple[Running, str, str]:
    """A sign-in that waits for somebody to open its page: the page, and the code."""
    running = user.start("login", "--sso", *options)
    assert running.stderr is not None
    page, code = (running.stderr.readline().decode() for _ in range(2))
    return running, page.removeprefix("open ").strip(), code.removeprefix("and enter ").strip()


def sign_in(user: User, person: str) -> str:
    """What the command says at the end."""
    running, page, code = begun(user)
    approve(f"{page}?user_code={code}", person)
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, err
    return out.decode()


def kept(user: User) -> Any:
    (login,) = json.loads((user.home / "state" / "chatty" / "logins.json").read_bytes())["logins"]
    return login


def let_end(user: User, at: float = 1.0) -> None:
    """The login has run out, or will ``at`` some time, as far as its user knows."""
    file = user.home / "state" / "chatty" / "logins.json"
    login = kept(user)
    login["sign_in"]["expires_at"] = at
    file.write_text(json.dumps({"logins": [login]}))


def revoke(server: Server, user: User) -> None:
    """The user's token counts no longer."""
    server.operate("DELETE", f"/v1/tokens/{json.loads(user.here.says('whoami', '--json'))['token']}")


def test_somebody_signs_in_in_a_browser_and_is_logged_in(user: User, server: Server) -> None:
    assert sign_in(user, "ada") == f"logged in to {server.url} as Ada\n"
    assert "owner: an administrator" in user.here.says("whoami")
    file = user.home / "state" / "chatty" / "logins.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert {"issuer", "client_id", "refresh_token", "expires_at"} == set(kept(user)["sign_in"])
    user.here.run("logout")
    user.here.fails(4, "create", "x")


def test_a_login_that_runs_out_is_renewed(user: User) -> None:
    sign_in(user, "cy")
    before = kept(user)
    user.here.run("whoami")
    assert kept(user) == before
    let_end(user)
    assert json.loads(user.here.says("whoami", "--json"))["name"] == "Cy"
    after = kept(user)
    assert after["token"] != before["token"]
    assert after["sign_in"]["refresh_token"] != before["sign_in"]["refresh_token"]  # each is used once


def test_a_login_whose_token_is_refused_is_renewed_although_it_has_not_run_out(user: User, server: Server) -> None:
    sign_in(user, "bo")
    revoke(server, user)
    assert json.loads(user.here.says("whoami", "--json"))["name"] == "Bo"


def test_commands_that_find_a_login_run_out_at_once_renew_it_once(user: User, server: Server) -> None:
    sign_in(user, "dan")
    let_end(user)
    all_at_once = [user.start("whoami", "--json") for _ in range(4)]
    said = [running.communicate(timeout=PATIENCE) for running in all_at_once]
    assert [json.loads(out)["name"] for out, _ in said] == ["Dan"] * 4, said
    tokens = server.operate("GET", "/v1/tokens?all=true")["tokens"]
    assert [token["name"] for token in tokens].count("Dan") == 2


def test_a_running_command_loses_nothing_when_its_token_ends(user: User, server: Server) -> None:
    sign_in(user, "ada")
    room = user.here.says("create", "general").strip()
    tail = user.start("tail", room, "--json")
    assert tail.stdout is not None
    user.here.run("send", room, "before")
    texts = [json.loads(tail.stdout.readline())["text"]]
    revoke(server, user)
    user.here.run("send", room, "after")
    texts.append(json.loads(tail.stdout.readline())["text"])
    assert texts == ["before", "after"]


def test_a_login_outlives_its_provider_and_ends_when_that_has_forgotten_it(tmp_path: Path) -> None:
    with (
        Provider(tmp_path, PEOPLE) as provider,
        believing(provider, tmp_path / "data") as server,
        User(tmp_path / "home", server.url) as user,
    ):
        sign_in(user, "bo")
        let_end(user)
        provider.stop()
        assert json.loads(user.here.says("whoami", "--json"))["name"] == "Bo"  # the token that there is still counts
        provider.start()  # it has forgotten everybody's sign-ins
        let_end(user, at=4e9)
        revoke(server, user)
        for _ in range(2):
            said = user.here.fails(4, "create", "x")
            assert said.endswith(f"hint:  chatty login --sso {server.url}\n")
        assert kept(user)["sign_in"]["refresh_token"] == ""


def test_somebody_who_is_banned_is_told_so_when_the_login_is_renewed(user: User, server: Server) -> None:
    sign_in(user, "eve")
    server.operate("POST", "/v1/server/restrictions", {"act": "ban", "name": "Eve"})
    let_end(user)
    said = user.here.fails(4, "create", "x")
    assert said.startswith("error: You are banned from this server.")


def test_a_sign_in_that_is_denied_logs_nobody_in(user: User) -> None:
    running, page, code = begun(user)
    approve(f"{page}?user_code={code}", "bo", consent=False)
    _, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err.decode().splitlines()[0]) == (
        4, "error: Somebody denied the sign-in, or you may not use this server.",
    )  # fmt: skip
    assert not (user.home / "state" / "chatty" / "logins.json").exists()


def test_a_name_that_is_another_s_is_refused_with_a_way_out(user: User, server: Server) -> None:
    server.operate("POST", "/v1/tokens", {"name": "flo"})
    running, page, code = begun(user)
    approve(f"{page}?user_code={code}", "flo")
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 6
    assert b"an administrator decides" in err
    assert b"--name" not in err


def test_waiting_ends_at_ctrl_c(user: User) -> None:
    running, _, _ = begun(user)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=PATIENCE)
    assert running.returncode == 130


def test_nothing_secret_is_shown(user: User, server: Server) -> None:
    running, page, code = begun(user)
    arguments = Path(f"/proc/{running.pid}/cmdline").read_bytes()
    approve(f"{page}?user_code={code}", "bo")
    out, err = running.communicate(timeout=PATIENCE)
    login = kept(user)
    shown = arguments + out + err + user.here.run("whoami").stdout + server.log.encode()
    assert not any(secret.encode() in shown for secret in (login["token"], login["sign_in"]["refresh_token"]))
    assert not re.search(rb"eyJ|device_code", shown)


def test_a_server_without_sign_in_says_what_there_is_instead(tmp_path: Path) -> None:
    with Server(tmp_path / "other") as server, User(tmp_path / "home", server.url) as user:
        said = user.here.fails(4, "login", "--sso")
        assert said.endswith(f"hint:  an administrator gives you a token for: chatty login {server.url}\n")
    (tmp_path / "secret").write_text("s" * 32)
    options = ("--trusted-proxy", "127.0.0.1", "--proxy-secret-file", str(tmp_path / "secret"))
    with (
        Server(tmp_path / "proxied", "--identity-header", "Remote-User", *options) as server,
        User(tmp_path / "home", server.url) as user,
    ):
        assert f"curl -X POST {server.url}/v1/login" in user.here.fails(4, "login", "--sso")


def test_nobody_signs_in_where_it_could_be_read_on_the_way_or_in_two_ways(user: User) -> None:
    assert "is not sent" in user.here.fails(2, "login", "--sso", "http://chat.example")
    assert "both say how to log in" in user.here.fails(2, "login", "--sso", "--token-file", "/dev/null")
