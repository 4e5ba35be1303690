"""Attack 1, for the commands: each of them, by everybody, on an open server and on one that wants tokens.

The expected exit status comes from the table here, so a command without a row fails.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from chatty.cli.app import COMMANDS, GROUPS
from tests.cli.user import User
from tests.support.server import Server

DONE, NO_ROOM, NOT_ALLOWED, TIME_IS_UP, REFUSED = 0, 3, 4, 5, 6
READ, POST, TALK, MODERATE, OWN, ADMINISTER, CREATE, BE_KNOWN, NOTHING = range(9)


class Row(NamedTuple):
    """What a command needs, how to call it, and its exit status where it is allowed."""

    needs: int
    arguments: tuple[str, ...]
    allowed: int = DONE
    said: bytes = b""


ROWS: Final[dict[str, Row]] = {
    "ask": Row(TALK, ("ask", "ROOM", "Well?", "--timeout", "0.2"), TIME_IS_UP),
    "audit": Row(MODERATE, ("audit", "ROOM")),
    "audit of the server": Row(ADMINISTER, ("audit",)),
    "ban": Row(MODERATE, ("ban", "ROOM", "Stranger")),
    "unban": Row(MODERATE, ("unban", "ROOM", "Stranger")),
    "cluster doctor": Row(ADMINISTER, ("cluster", "doctor"), REFUSED),  # the server is on its own
    "cluster status": Row(ADMINISTER, ("cluster", "status"), REFUSED),
    "cluster upgrade": Row(ADMINISTER, ("cluster", "upgrade"), REFUSED),
    "create": Row(CREATE, ("create", "another")),
    "delete": Row(MODERATE, ("delete", "ROOM", "--from", "Ghost")),
    "history": Row(READ, ("history", "ROOM")),
    "invite": Row(MODERATE, ("invite", "ROOM")),
    "invite an owner": Row(OWN, ("invite", "ROOM", "--can", "own")),
    "invite under a name": Row(ADMINISTER, ("invite", "ROOM", "--name", "invited")),
    "invite to the server": Row(ADMINISTER, ("invite",)),
    "invite --list": Row(MODERATE, ("invite", "ROOM", "--list")),
    "invite --revoke": Row(MODERATE, ("invite", "ROOM", "--revoke", "x"), REFUSED),
    "kick": Row(MODERATE, ("kick", "ROOM", "Stranger"), REFUSED),
    "members": Row(MODERATE, ("members", "ROOM")),
    "mute": Row(MODERATE, ("mute", "ROOM", "Stranger")),
    "unmute": Row(MODERATE, ("unmute", "ROOM", "Stranger")),
    "policy": Row(READ, ("policy", "ROOM")),
    "policy, to lock": Row(MODERATE, ("policy", "ROOM", "--unlock")),
    "policy, for everybody": Row(OWN, ("policy", "ROOM", "--everyone", "nobody")),
    "policy, for a password": Row(OWN, ("policy", "ROOM", "--password-stdin"), said=b"correct horse\n"),
    "role": Row(MODERATE, ("role", "ROOM", "guest", "reader")),
    "role of a moderator": Row(OWN, ("role", "ROOM", "guest", "moderator")),
    "run": Row(NOTHING, ("run", "ROOM", "--", "true")),  # it ends as the command does, and says if nobody heard of it
    "send": Row(POST, ("send", "ROOM"), said=b"hello\n"),
    "tail": Row(READ, ("tail", "ROOM", "--no-follow")),
    "token create": Row(BE_KNOWN, ("token", "create", "--can", "post", "--room", "ROOM")),
    "token create, for another": Row(ADMINISTER, ("token", "create", "--name", "another")),
    "token list": Row(BE_KNOWN, ("token", "list")),
    "token list, of all": Row(ADMINISTER, ("token", "list", "--all")),
    "who": Row(READ, ("who", "ROOM")),
    "whoami": Row(BE_KNOWN, ("whoami",)),
}
ELSEWHERE: Final = {
    "backup", "completion", "doctor", "healthcheck", "help", "restore", "rooms", "serve", "token generate",  # no room
    "cluster secret", "cluster serve", "cluster backup", "cluster restore", "cluster move", "cluster leave",
    "bot", "join",  # they go on until somebody ends them
    "login", "logout", "token revoke", "close",  # each caller would need something of its own
}  # fmt: skip
"""Commands whose rights are tested elsewhere, or that ask for none."""

RIGHTS: Final[dict[str, set[int]]] = {
    "nobody": {BE_KNOWN},
    "reader": {BE_KNOWN, READ},
    "poster": {BE_KNOWN, POST},
    "member": {BE_KNOWN, READ, POST, TALK},
    "moderator": {BE_KNOWN, READ, POST, TALK, MODERATE},
    "owner": {BE_KNOWN, READ, POST, TALK, MODERATE, OWN},
}
INVALID: Final = ("expired", "revoked")


class House:
    """A server, a room by invitation, and the tokens of everybody."""

    def __init__(self, server: Server) -> None:
        self.server, self.ids = server, dict[str, str]()
        self.room = server.operate("POST", "/v1/rooms", {"name": "deploys"})["id"]
        other = server.operate("POST", "/v1/rooms", {"name": "other"})["id"]
        self._rule("PUT", "/policy", {"everyone": "nobody"})
        self.tokens = {role: self._token(role) for role in RIGHTS}
        for role in RIGHTS:
            self._rule("PUT", f"/members/{role}", {"role": role})
        self._token("guest")
        self.tokens["administrator"] = self._token("administrator", admin=True)
        self.tokens["wrong room"] = self._token("wrong", room=other)
        for name, act in (("banned", "ban"), ("muted", "mute")):
            self.tokens[name] = self._token(name)
            self._rule("PUT", f"/members/{name}", {"role": "member"})
            self._rule("POST", "/restrictions", {"act": act, "name": name})
        self.tokens["expired"] = self._token("expired", expires_in=0.001)
        self.tokens["revoked"] = self._token("revoked")
        server.operate("DELETE", f"/v1/tokens/{self.ids['revoked']}")

    def _token(self, name: str, **more: Any) -> str:
        issued = self.server.operate("POST", "/v1/tokens", {"name": name, **more})
        self.ids[name] = issued["id"]
        return str(issued["token"])

    def _rule(self, method: str, path: str, body: Any) -> None:
        self.server.operate(method, f"/v1/rooms/{self.room}{path}", body)


@pytest.fixture(scope="module", params=["open", "token"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def house(mode: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("server") / "data"
    with Server(
        data, "--access", mode, "--message-rate", "0", "--join-rate", "0", "--read-rate", "0", "--room-rate", "0"
    ) as server:
        yield House(server)


def expected(row: Row, caller: str, mode: str) -> int:
    """The exit status of a command in the room by invitation."""
    if row.needs == NOTHING:
        return row.allowed
    if caller in INVALID:
        return NOT_ALLOWED
    about_room = "ROOM" in row.arguments
    if caller == "administrator":
        return row.allowed
    has = RIGHTS.get(caller, set())
    if caller == "muted":
        has = {BE_KNOWN, READ}
    elif caller in ("banned", "wrong room", "nobody"):
        has = {BE_KNOWN}
    elif caller == "stranger":
        has = {BE_KNOWN} if mode == "open" else set()
    if row.needs == CREATE:
        return DONE if has and caller != "wrong room" else NOT_ALLOWED
    if row.needs == BE_KNOWN and not about_room:
        return row.allowed
    needs = POST if row.needs == BE_KNOWN else row.needs  # a token for a right that one has oneself
    if needs in has:
        return row.allowed
    if (about_room and caller in ("nobody", "wrong room")) or (about_room and caller == "stranger" and mode == "open"):
        return NO_ROOM
    return NOT_ALLOWED


def test_every_command_has_a_row() -> None:
    walked = {" ".join(row.arguments[: 2 if row.arguments[0] in GROUPS else 1]) for row in ROWS.values()}
    assert walked | ELSEWHERE == set(COMMANDS)


CALLERS: Final = (*RIGHTS, "administrator", "wrong room", "banned", "muted", *INVALID, "stranger")


@pytest.mark.parametrize("caller", CALLERS)
def test_a_command_does_what_its_caller_may_do(house: House, mode: str, caller: str, tmp_path: Path) -> None:
    time.sleep(0.002 if caller == "expired" else 0)
    wrong: dict[str, tuple[int, int, str]] = {}
    with User(tmp_path / "home", house.server.url) as user:
        token = house.tokens.get(caller)
        if token is not None:
            file = tmp_path / "token"
            file.write_text(token)
            user.env["CHATTY_TOKEN_FILE"] = str(file)
            del user.env["CHATTY_NAME"]
        for name, row in ROWS.items():
            arguments = [house.room if argument == "ROOM" else argument for argument in row.arguments]
            done = user.here.run(*arguments, said=row.said, status=None)
            status = expected(row, caller, mode)
            if done.returncode != status:
                wrong[name] = (done.returncode, status, done.stderr.decode())
            assert token is None or token.encode() not in done.stdout + done.stderr
    assert not wrong
