"""Attack 14, behind a real nginx: it asks people who they are (`auth_request`), and only its word counts."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

from tests.cli.user import User
from tests.support.server import PATIENCE, ROOT, Server, free_port

SECRET: Final = "0123456789abcdef" * 2
PASSWORDS: Final = {"Ada": "lovelace", "Bo": "peep"}
GUIDE: Final = ROOT / "docs" / "operating.md"

Answer = tuple[int, Any]


class Guard(BaseHTTPRequestHandler):
    """What nginx asks: it knows people by their passwords, as Authelia or oauth2-proxy know them by what they do."""

    def do_GET(self) -> None:
        name, _, password = base64.b64decode(self.headers.get("Authorization", "")[6:]).decode().partition(":")
        known = PASSWORDS.get(name) == password
        self.send_response(200 if known else 401)
        if known:
            self.send_header("Remote-User", name)
        self.end_headers()

    def log_message(self, format: str, *values: object) -> None:
        """It keeps no log."""


class Proxy:
    """nginx, set up as docs/operating.md says."""

    def __init__(self, directory: Path, server: Server, guard: int) -> None:
        self.port = free_port()
        self._directory = directory
        locations = re.findall(r"^(    location = .*?^    \})$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
        assert len(locations) == 2, "the guide has two locations for a sign-in"
        taught = "\n".join(locations).replace('"…"', f'"{SECRET}"')
        taught = taught.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}").replace(
            "127.0.0.1:9091", f"127.0.0.1:{guard}"
        )
        temporary = "".join(
            f"{kind}_temp_path {kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (directory / "nginx.conf").write_text(
            f"""
            daemon off; pid nginx.pid; error_log error.log; worker_processes 1;
            events {{ worker_connections 64; }}
            http {{
                access_log off; {temporary}
                server {{
                    listen 127.0.0.1:{self.port};
                    {taught}
                    location / {{
                        proxy_pass http://127.0.0.1:{server.port};
                        proxy_http_version 1.1;
                        proxy_set_header Host $http_host;
                        proxy_set_header Upgrade $http_upgrade;
                        proxy_set_header Connection "upgrade";
                        proxy_set_header X-Forwarded-For $remote_addr;
                        proxy_buffering off;
                    }}
                }}
            }}
            """
        )
        program = shutil.which("nginx") or str(ROOT / ".venv/nginx/usr/sbin/nginx")
        command = [program, "-p", str(directory), "-c", str(directory / "nginx.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while self.ask("GET", "/healthz")[0] != 200:
            assert self._process.poll() is None, (directory / "error.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, *headers: tuple[str, str]) -> Answer:
        return ask(self.port, method, path, *headers)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)


def ask(port: int, method: str, path: str, *headers: tuple[str, str]) -> Answer:
    """The status and the answer, if it is JSON."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as line:
        try:
            line.putrequest(method, path)
            for name, value in headers:
                line.putheader(name, value)
            line.endheaders()
            response = line.getresponse()
        except ConnectionRefusedError:
            return 0, None
        body = response.read()
        return response.status, json.loads(body) if "json" in response.headers.get("Content-Type", "") else None


def password(name: str) -> tuple[str, str]:
    return "Authorization", "Basic " + base64.b64encode(f"{name}:{PASSWORDS.get(name, 'guessed')}".encode()).decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("server")
    (directory / "secret").write_text(SECRET + "\n")
    known = ("--identity-header", "Remote-User", "--proxy-secret-file", str(directory / "secret"))
    with Server(directory / "data", "--access", "token", "--trusted-proxy", "127.0.0.1", *known) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    guard = ThreadingHTTPServer(("127.0.0.1", 0), Guard)
    Thread(target=guard.serve_forever, daemon=True).start()
    proxy = Proxy(tmp_path_factory.mktemp("nginx"), server, guard.server_port)
    yield proxy
    proxy.stop()
    guard.shutdown()
    guard.server_close()


def test_somebody_whom_the_proxy_knows_gets_a_token_and_uses_it_from_a_terminal(
    proxy: Proxy, server: Server, tmp_path: Path
) -> None:
    status, issued = proxy.ask("POST", "/v1/login", password("Ada"))
    assert (status, issued["name"]) == (201, "Ada")
    with User(tmp_path / "home", proxy.url) as user:
        assert user.here.says("login", said=issued["token"].encode()) == f"logged in to {proxy.url} as Ada\n"
        room = user.here.says("create", "general").strip()
        user.here.run("send", room, "hello")  # over a WebSocket, which the proxy doesn't guard
        assert [event["participant"] for event in user.here.events(room)] == ["Ada"]
        assert f"curl -X POST {proxy.url}/v1/login" in user.here.fails(4, "login", "--sso")


def test_somebody_whom_the_proxy_does_not_know_does_not_get_as_far_as_the_server(proxy: Proxy) -> None:
    for headers in ((), (password("Eve"),), (("Remote-User", "Ada"),), (("X-Chatty-Proxy-Secret", SECRET),)):
        assert proxy.ask("POST", "/v1/login", *headers)[0] == 401


@pytest.mark.parametrize("name", ["Remote-User", "remote-user", "Remote_User", "REMOTE_USER"])
def test_what_a_client_says_about_itself_does_not_get_past_the_proxy(proxy: Proxy, name: str) -> None:
    for claims in ([(name, "Eve")], [(name, "Eve"), (name, "Eve")]):
        status, issued = proxy.ask("POST", "/v1/login", password("Bo"), *claims)
        assert (status, issued["name"]) == (201, "Bo")


def test_on_every_other_route_the_header_is_a_client_s_own_and_means_nothing(proxy: Proxy) -> None:
    claims = (("Remote-User", "Ada"), ("X-Chatty-Proxy-Secret", SECRET))
    assert proxy.ask("GET", "/v1/me", *claims)[1]["trust"] == "none"
    assert proxy.ask("GET", "/v1/tokens", *claims)[0] == 401
    for path in ("/v1/login/", "/v1//login", "/v1/login/x", "/v1/%6cogin%2f"):
        assert proxy.ask("POST", path, *claims)[0] in (401, 404), path


def test_another_spelling_of_the_address_does_not_lead_round_the_proxy_s_question(proxy: Proxy) -> None:
    for path in ("/v1/%6cogin", "/v1/./login", "/v1/x/../login", "//v1/login"):
        assert proxy.ask("POST", path, ("Remote-User", "Ada"))[0] in (401, 404), path


def test_a_program_beside_the_proxy_has_its_address_but_not_its_secret(proxy: Proxy, server: Server) -> None:
    for headers in ((), (("X-Chatty-Proxy-Secret", "x" * 32),), (("X-Forwarded-For", "192.0.2.1"),)):
        status, refused = ask(server.port, "POST", "/v1/login", ("Remote-User", "Ada"), *headers)
        assert (status, refused["code"]) == (401, "unauthorized")
    assert SECRET not in server.log
