"""Every command reaches a server with a certificate of one's own authority, and one behind a proxy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
import trustme
import typer

from chatty.cli.app import COMMANDS, command_group
from tests.cli.commands.test_ask import answer_of, asking, reply
from tests.cli.commands.test_send import wait_until
from tests.cli.user import User
from tests.support.certificates import Authority
from tests.support.gates import HttpProxy, TlsGate
from tests.support.server import PATIENCE, ROOT, Server, free_port

HOST = "chat.example"
AUTHORITY = trustme.CA()
SERVICE = f'"{sys.executable}" -m chatty who "$CHATTY_ROOM" >&2 && echo at your service'
"""What a bot runs asks the same server, and trusts the same authority."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("tls") / "data", "--allowed-host", HOST) as running:
        yield running


@pytest.fixture(scope="module")
def cacert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def user(server: Server, tmp_path: Path) -> Iterator[User]:
    """Somebody whose server speaks TLS, with a certificate that the system doesn't trust."""
    with (
        TlsGate(server.port, AUTHORITY, "localhost") as gate,
        User(tmp_path / "home", f"https://localhost:{gate.port}") as someone,
    ):
        yield someone


def clients() -> list[str]:
    """The commands that talk to a server."""
    group = command_group()
    return [name for name in COMMANDS if any(param.name == "server" for param in group.find(name).params)]


def needed(name: str, room: str) -> list[str]:
    """What a command line of ``name`` has to have."""
    rest = {"bot": ["--on", "x"], "ask": ["--timeout", "1s"]}.get(name, [])
    behind = {"bot": ["--", "cat"], "run": ["--", "true"], "ask": ["ok?"], "send": ["hello"], "role": ["Eve", "reader"]}
    behind["delete"] = ["--from", "Eve"]
    behind |= {about_one: ["Eve"] for about_one in ("kick", "ban", "unban", "mute", "unmute")}
    roomless = ("rooms", "whoami", "token create", "token list")
    about_room = name not in roomless and not name.startswith("cluster ")
    return [*name.split(), *rest, *([room] if about_room else []), *behind.get(name, [])]


def test_every_command_that_has_a_server_has_a_cacert() -> None:
    group = command_group()
    for name in clients():
        assert "cacert" in {param.name for param in group.find(name).get_params(typer.Context(group))}, name


def converse(user: User, server: Server, *options: str) -> None:
    """Use every command that talks to a server. Raises AssertionError where one doesn't get through."""
    room = user.here.says("create", "general", *options).strip()
    user.here.run("send", room, *options, said=b"one\ntwo\n")
    assert [event["text"] for event in user.here.events(room, "-n", "2", *options)] == ["one", "two"]
    assert "one" in user.here.says("history", room, *options)
    assert user.here.says("who", room, *options) == ""
    assert "your key" in user.here.says("whoami", *options)
    assert "owner" in user.here.says("members", room, *options)
    user.run("run", *options, room, "--", "true")
    assert len(server.texts(room)) > 2
    process, question = asking(user, server, room, "ok?", *options)
    reply(server, room, question, "yes")
    assert answer_of(process) == "yes\n"
    cursor = user.home / f"cursor-{room}"
    bot = user.start("bot", "--on", "^!up", "--cursor", str(cursor), *options, room, "--", "sh", "-c", SERVICE)
    wait_until(lambda: bot.poll() is not None or (cursor.exists() and cursor.stat().st_size > 0))
    server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "!up"})
    wait_until(lambda: bot.poll() is not None or "at your service" in server.texts(room)[-1])
    bot.terminate()
    bot.wait(PATIENCE)
    assert "at your service" in server.texts(room)[-1]
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "chatty", "join", room, "--plain", *options],
        env=user.env,
        cwd=str(ROOT),
        timeout=PATIENCE,
    )
    terminal.expect("at your service")
    terminal.sendline("hello from a terminal")
    wait_until(lambda: server.texts(room)[-1] == "hello from a terminal")
    terminal.sendeof()
    terminal.expect(pexpect.EOF)
    terminal.close()
    user.here.run("close", room, *options)


def by_option(user: User, cacert: Path) -> list[str]:
    return ["--cacert", str(cacert)]


def by_variable(user: User, cacert: Path) -> list[str]:
    user.env["CHATTY_CACERT"] = str(cacert)
    return []


@pytest.mark.parametrize("named", [by_option, by_variable])
def test_every_command_trusts_the_authority_that_is_named(
    user: User, server: Server, cacert: Path, named: Callable[[User, Path], list[str]]
) -> None:
    converse(user, server, *named(user, cacert))


def test_every_command_reaches_a_server_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    authority = Authority()
    files, cacert = authority.issue(tmp_path), authority.write(tmp_path / "ca.pem")
    with (
        Server(tmp_path / "data", *files.options, trusting=authority.trusting) as server,
        User(tmp_path / "home", server.url) as user,
    ):
        converse(user, server, "--cacert", str(cacert))
        room = server.make_room()["url"]
        assert user.says("who", room, "--cacert", str(cacert)) == ""
        assert "(its certificate: unable to get local issuer certificate)" in user.fails(5, "who", room)
        plain = room.replace("https:", "http:")
        assert "error: This server speaks TLS; write https:// instead" in user.fails(1, "who", plain)


def test_a_profile_names_a_file_beside_its_own(user: User, cacert: Path) -> None:
    config = user.home / "config" / "chatty"
    config.mkdir(parents=True)
    (config / "work.pem").write_bytes(cacert.read_bytes())
    (config / "config.toml").write_text('[profile.default]\ncacert = "work.pem"\n[profile.home]\ncacert = "~/ca.pem"\n')
    assert user.here.says("create", "general")
    assert f"no certificates in {user.home}/ca.pem (No such file" in user.here.fails(
        2, "create", "x", "--profile", "home"
    )


@pytest.mark.parametrize("command", [("create", "general"), ("send", "x" * 27, "hello", "--wait", "1h")])
def test_without_it_a_command_says_at_once_what_to_name(user: User, command: tuple[str, ...]) -> None:
    said = user.here.fails(5, *command)
    assert "(its certificate: unable to get local issuer certificate)\n" in said
    assert said.endswith("hint:  if an authority of your own vouches for it, name its certificate: --cacert FILE\n")


@pytest.mark.parametrize("name", sorted({*clients()} - {"join"}))
def test_a_file_without_certificates_is_wrong_usage_before_anything_is_said(
    user: User, tmp_path: Path, name: str
) -> None:
    (tmp_path / "notes").write_text("my notes")
    words, rest = name.split(), needed(name, "x" * 27)[len(name.split()) :]
    status = 0 if name == "run" else 2  # run runs its command in any case
    said = user.here.fails(status, *words, "--cacert", str(tmp_path / "notes"), *rest)
    assert "notes holds no certificate in PEM" in said


def test_join_says_so_before_its_screen_opens(user: User, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("my notes")
    with pexpect.spawn(
        sys.executable, ["-m", "chatty", "join", "--cacert", str(tmp_path / "notes"), "x" * 27],
        env=user.env, cwd=str(ROOT), timeout=PATIENCE,
    ) as terminal:  # fmt: skip
        terminal.expect("notes holds no certificate in PEM")
        terminal.expect(pexpect.EOF)
    assert terminal.exitstatus == 2


def test_a_proxy_of_a_kind_that_is_not_spoken_to_is_not_waited_for(user: User) -> None:
    user.env |= {"CHATTY_SERVER": f"https://{HOST}", "HTTPS_PROXY": "socks5://127.0.0.1:1080", "no_proxy": ""}
    assert user.here.fails(5, "tail", "x" * 27, "--wait", "1h") == (
        f"error: cannot reach https://{HOST} "
        "(HTTPS_PROXY is socks5://127.0.0.1:1080, and chatty speaks to http:// proxies only)\n"
        "hint:  HTTPS_PROXY or HTTP_PROXY says so; to go without, list the server's name in NO_PROXY\n"
    )


@pytest.mark.parametrize(
    "command", [("create", "general"), ("who", "x" * 27), ("bot", "x" * 27, "--wait", "1h", "--on", ".", "--", "true")]
)
def test_a_server_without_tls_is_advised_to_be_asked_without(
    user: User, server: Server, command: tuple[str, ...]
) -> None:
    address = f"localhost:{server.port}"
    at = command.index("--") if "--" in command else len(command)
    said = user.here.fails(5, *command[:at], "--server", f"https://{address}", *command[at:])
    assert said == (
        f"error: cannot reach https://{address} (it does not speak TLS)\nhint:  try --server http://{address}\n"
    )


def test_every_command_goes_through_the_proxy_that_the_environment_names(
    user: User, server: Server, cacert: Path
) -> None:
    with TlsGate(server.port, AUTHORITY, HOST) as gate, HttpProxy({HOST: gate.port}) as proxy:
        user.env |= {"CHATTY_SERVER": f"https://{HOST}", "HTTPS_PROXY": proxy.url, "NO_PROXY": "localhost"}
        converse(user, server, "--cacert", str(cacert))
    assert len(proxy.asked) >= 9
    assert set(proxy.asked) == {f"CONNECT {HOST}:443 HTTP/1.1"}


def test_a_proxy_that_is_not_there_is_named_with_what_to_do(user: User) -> None:
    port = free_port()
    user.env |= {
        "CHATTY_SERVER": f"https://{HOST}",
        "https_proxy": f"http://ada:secret@127.0.0.1:{port}",
        "no_proxy": "",
    }
    assert user.here.fails(5, "create", "general") == (
        f"error: cannot reach https://{HOST} (the proxy 127.0.0.1:{port}: connection refused)\n"
        "hint:  HTTPS_PROXY or HTTP_PROXY says so; to go without, list the server's name in NO_PROXY\n"
    )
