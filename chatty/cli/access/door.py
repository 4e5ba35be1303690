"""The door of a room: an invitation or a password is shown there once, and a role is given for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from chatty.cli.config import ServerChoice
from chatty.cli.credentials import check_safe
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.targets import RoomTarget, participant_name, resolve_room, whole_server
from chatty.credentials import is_invitation, is_token

if TYPE_CHECKING:
    from chatty.access import Admitted
    from chatty.client.http import Http
    from chatty.client.identity import Credential

__all__ = ["Invited", "ask", "first_line", "invitation_url", "invited", "show"]

_SERVER: Final = "/v1/server"
_FRAGMENT: Final = re.compile(r"(?P<place>[^#]*)#(?P<secret>.*)", re.DOTALL)


class Invited(NamedTuple):
    """Where somebody wants to be let in, and with which invitation, if with any. Without a room, it is the server."""

    target: RoomTarget
    invitation: str = ""


def invited(env: Environment, text: str, at: ServerChoice) -> Invited:
    """What ``text`` means: a ROOM, or an invitation, which is a URL with a secret behind its ``#``. Raises Failure."""
    found = _FRAGMENT.fullmatch(text.strip()) if "://" in text else None
    if found is None:
        if is_invitation(text.strip()):
            raise usage("an invitation is a URL, of which this is only the end", "copy all of it")
        return Invited(resolve_room(env, text, at))
    place, secret = found["place"], found["secret"]
    if not is_invitation(secret):
        raise Failure(
            ExitStatus.NOT_ALLOWED,
            "not_admitted",
            "this is not a whole invitation: what follows # begins with chatty_i and has 57 characters",
            "copy all of it, or ask for another one",
        )
    if place.rstrip("/").endswith(_SERVER):
        server = place.rstrip("/").removesuffix(_SERVER)
        return Invited(whole_server(env, at, url=server), secret)
    return Invited(resolve_room(env, place, at), secret)


def invitation_url(target: RoomTarget, secret: str) -> str:
    """An invitation as people pass it on. What follows the ``#`` is sent to no server and logged by none."""
    from chatty.client.network.address import first_of

    return f"{target.url if target.room_id else first_of(target.server) + _SERVER}#{secret}"


def ask(env: Environment, prompt: str) -> str:
    """What somebody types at the terminal, which doesn't show it."""
    import getpass

    return getpass.getpass(prompt, stream=env.stderr)


def first_line(env: Environment, prompt: str) -> str:
    """A password: the first line of standard input, or what is typed at the terminal. Raises Failure (usage)."""
    line = ask(env, prompt) if env.stdin.isatty() else env.stdin.readline().rstrip("\r\n")
    if not line:
        raise usage("there is no password", "it is the first line of standard input")
    return line


async def show(
    env: Environment, http: Http, target: RoomTarget, key: Credential, name: str | None, *,
    invitation: str = "", password: str = "",
) -> Admitted:  # fmt: skip
    """Exchange an invitation or a password for a role. Raises what `Http` does, and Failure if it isn't safe to send.

    The list of members calls the user by ``name``; a token has one of its own.
    """
    from chatty.client.identity import current
    from chatty.client.rules import Rules

    what = "an invitation" if invitation else "a password"
    check_safe(target.server, insecure=target.profile.insecure, what=what)
    rules = Rules(http, target.room_id or None)
    called = name or ("" if is_token(current(key)) else participant_name(env, None, target.profile))
    if invitation:
        return await rules.accept(invitation, name=called)
    return await rules.admit(password, name=called)
