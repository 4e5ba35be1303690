"""Whose rules a command is about, a room's or the server's, and with which credential it asks for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from chatty.cli.access.operator import operated
from chatty.cli.config import ServerChoice
from chatty.cli.credentials import credential
from chatty.cli.environment import Environment
from chatty.cli.failures import usage
from chatty.cli.room_list import find
from chatty.cli.targets import RoomTarget, about, resolve_room, whole_server
from chatty.client.http import Http
from chatty.client.rules import Rules
from chatty.errors import Refused

__all__ = ["Scope", "as_owner", "ask_server", "rule", "shifted"]

T = TypeVar("T")

_NEEDS_MORE: Final = frozenset({"not_allowed", "room_not_found", "unauthorized"})
"""Refusals that may be another credential's fault."""


class Scope(NamedTuple):
    """The options that say whose rules: those of ``room``, else the server's; ``data``: as the server's operator."""

    at: ServerChoice
    room: str | None
    data: Path | None = None


async def rule(env: Environment, scope: Scope, request: Callable[[Rules], Awaitable[T]]) -> T:
    """The result of ``request``. Raises Failure, and what `Rules` does."""
    if scope.room is None:
        return await ask_server(env, scope.at, scope.data, lambda http: request(Rules(http)))
    target = resolve_room(env, scope.room, scope.at)
    with about(env, target):
        if scope.data is None:
            return await as_owner(env, target, lambda http: request(Rules(http, target.room_id)))
        async with operated(env, scope.data) as http:
            return await request(Rules(http, target.room_id))


async def ask_server(
    env: Environment,
    at: ServerChoice,
    data: Path | None,
    request: Callable[[Http], Awaitable[T]],
    *,
    begin: bool = False,
    room: RoomTarget | None = None,
) -> T:
    """The result of ``request`` to the server, about a ``room`` or about none. ``begin``: ``data`` may be empty yet."""
    if data is not None:
        if at.server is not None:
            raise usage("--data and --server both say which server", "choose one of them")
        async with operated(env, data, begin=begin) as http:
            return await request(http)
    target = whole_server(env, at)
    with about(env, room or target):
        async with target.http(credential(env, target.profile, target.server)) as http:
            return await request(http)


async def as_owner(env: Environment, target: RoomTarget, request: Callable[[Http], Awaitable[T]]) -> T:
    """The result of ``request``: with the user's own credential, or if that isn't enough, with the room's owner token.

    A token that the user names is the only one that counts.
    """
    known = None if target.profile.token_file else find(env, target.room_id, target.server)
    try:
        async with target.http(credential(env, target.profile, target.server)) as http:
            return await request(http)
    except Refused as refused:
        if known is None or known.owner_token is None or refused.code not in _NEEDS_MORE:
            raise
    async with target.http(known.owner_token) as http:
        return await request(http)


def shifted(room: str | None, *words: str | None, server_wide: bool) -> tuple[str | None, ...]:
    """The room and the ``words`` behind it. With ``server_wide`` there is no room, and the words begin in its place."""
    if not server_wide:
        return (room, *words)
    if words and words[-1] is not None:
        raise usage("--server-wide takes no ROOM", "leave it out")
    return (None, room, *words[:-1])
