"""Every kind of caller that a server knows, in one room, and what each of them has there."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from chatty.credentials import new_token
from tests.support.server import Server

EVERYONE: Final = {"open": "rp", "token": ""}
"""What everyone may do, by the server's mode: letters of read, post, moderate and own."""

ROLES: Final = {
    "nobody": "", "reader": "r", "poster": "p", "member": "rp", "moderator": "rpm", "owner": "rpmo",
}  # fmt: skip
"""What each role may do."""


class Caller(NamedTuple):
    """Somebody who asks. ``room`` and ``server`` are what it may do there.

    ``shut_out`` is the refusal that it gets where it may do nothing. ``name``
    is the one that its token gives it, and otherwise a name that it chooses.
    """

    kind: str
    credential: str
    room: str
    server: str
    shut_out: str = ""
    has_token: bool = False

    @property
    def name(self) -> str:
        return self.kind.replace(" ", "-")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.credential}"} if self.credential else {}


class World:
    """A server with a room, a closed room, and somebody of every kind who comes to them."""

    def __init__(self, server: Server, mode: str, secret: str) -> None:
        """``secret`` is the administrator's token."""
        self.server, self.mode, self.admin = server, mode, secret
        self.room = self._room("walked")
        self.closed = self._room("closed")
        elsewhere = self._room("elsewhere")
        self.callers = [*self._strangers(), *self._bearers(elsewhere), *self._with_roles()]
        self.issue(name="target")
        self.rule("PUT", f"/v1/rooms/{self.room}/members/target", {"role": "member"})
        self.message = self.rule(
            "POST", f"/v1/rooms/{self.room}/messages", {"participant": "admin", "text": "for all"}
        )["seq"]
        self.rule("DELETE", f"/v1/rooms/{self.closed}")

    def rule(self, method: str, path: str, body: Any = None) -> Any:
        return self.server.ask(method, path, body, token=self.admin)

    def issue(self, **fields: Any) -> str:
        secret: str = self.rule("POST", "/v1/tokens", fields)["token"]
        return secret

    def _room(self, name: str) -> str:
        created: str = self.rule("POST", "/v1/rooms", {"name": name})["id"]
        return created

    def _strangers(self) -> list[Caller]:
        everyone = EVERYONE[self.mode]
        keys = {"none": "", "weak key": "k" * 31, "key": "k" * 32}
        shut_out = "" if everyone else "unauthorized"
        return [Caller(kind, key, everyone, everyone, shut_out) for kind, key in keys.items()]

    def _bearers(self, elsewhere: str) -> list[Caller]:
        """Tokens that are worth nothing, or nothing in the room; and those that were deprived of something there."""
        callers = [
            Caller("other room", self.issue(name="other-room", room=elsewhere), "", "", "hidden", True),
            Caller("expired", self.issue(name="expired", expires_in=0.001), "", "", "unauthorized", True),
            Caller("revoked", self.issue(name="revoked"), "", "", "unauthorized", True),
            Caller("banned", self.issue(name="banned"), "", "rp", "banned", True),
            Caller("muted", self.issue(name="muted"), "r", "rp", "muted", True),
        ]
        listed = self.rule("GET", "/v1/tokens?all=true")["tokens"]
        self.rule("DELETE", "/v1/tokens/" + next(one["id"] for one in listed if one["name"] == "revoked"))
        for room in (self.room, self.closed):
            self.rule("POST", f"/v1/rooms/{room}/restrictions", {"act": "ban", "name": "banned"})
            self.rule("POST", f"/v1/rooms/{room}/restrictions", {"act": "mute", "name": "muted"})
        return callers

    def _with_roles(self) -> list[Caller]:
        """Each has its role in the room and on the server, but for the owner, who would be an administrator there."""
        callers = []
        for role, rights in ROLES.items():
            server = "moderator" if role == "owner" else role
            # The role nobody takes away what one has, so it leaves everybody's.
            here, there = (rights, ROLES[server]) if rights else (EVERYONE[self.mode],) * 2
            callers.append(Caller(role, self.issue(name=role), here, there, "" if here else "hidden", True))
            self.rule("PUT", f"/v1/server/members/{role}", {"role": server})
            for room in (self.room, self.closed):
                self.rule("PUT", f"/v1/rooms/{room}/members/{role}", {"role": role})
        return [*callers, Caller("admin", self.admin, "rpmo", "rpmo", "", True)]


def started(data: Any, mode: str) -> tuple[Server, str]:
    """A server in ``mode`` that is about to start, and its administrator's token."""
    secret = new_token()
    file = data.parent / "admin-token"
    file.write_text(secret)
    options = (
        "--access",
        mode,
        "--admin-token-file",
        str(file),
        "--room-rate",
        "0",
        "--join-rate",
        "0",
        "--read-rate",
        "0",
    )
    return Server(data, *options, "--message-rate", "0"), secret
