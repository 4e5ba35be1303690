"""``chatty token create``: issues a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import (
    JsonOption,
    OperatorOption,
    at_server,
    duration,
    environment,
    filled,
    known_room_names,
)

if TYPE_CHECKING:
    from chatty.access import IssuedToken, Role

EXAMPLES: Final = (
    "chatty token create --admin --name ada --data /var/lib/chatty",
    "chatty token create --name ci --room deploys --can post --expires 90d > token",
)

Can = Literal["read", "post", "chat", "moderate", "own"]

_ROLES: Final[dict[str, Role]] = {
    "read": "reader", "post": "poster", "chat": "member", "moderate": "moderator", "own": "owner",
}  # fmt: skip
_ADMIN: Final = "admin"
"""The name of an administrator to whom the operator gives none."""


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    admin: Annotated[bool, typer.Option("--admin", help="For an administrator, who owns the server.")] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", parser=filled, help="For somebody who is called so, and has this name alone."
        ),
    ] = None,
    room: Annotated[
        str | None,
        typer.Option(
            "--room",
            metavar="ROOM",
            parser=filled,
            help="It counts in this room alone.",
            autocompletion=known_room_names,
        ),
    ] = None,
    can: Annotated[
        Can | None, typer.Option("--can", help="It is worth no more than this. In a ROOM, chat by default.")
    ] = None,
    expires: Annotated[float | None, duration("--expires", "It ends after this time: 8h, 90d …")] = None,
    label: Annotated[
        str, typer.Option("--label", metavar="TEXT", help="What it is for; the list shows it.", show_default=False)
    ] = "",
    data: OperatorOption = None,
    json: JsonOption = False,
) -> int:
    """Issue a token, and print it, this once.

    It is for NAME, whom only administrators may choose; without one it is for
    you. Somebody who has the token is that person to the server.
    """
    from chatty.access import NewToken
    from chatty.cli.access.scope import ask_server
    from chatty.cli.runner import run
    from chatty.cli.targets import resolve_room

    if admin and (room or can):
        raise usage("an administrator may do everything everywhere", "leave out --room and --can, or --admin")
    env = environment(ctx)
    if admin and name is None:
        if data is None:
            raise usage("say what the administrator is called", "--name NAME")
        name = _ADMIN
    role = _ROLES[can] if can else None
    target = resolve_room(env, room, at) if room else None
    new = NewToken(name or "", target.room_id if target else "", role, admin, expires, label)

    async def issue() -> IssuedToken:
        return await ask_server(env, at, data, lambda http: http.issue_token(new), begin=True, room=target)

    return run(_create(env, issue, as_json=json))


async def _create(env: Environment, issue: Callable[[], Awaitable[IssuedToken]], *, as_json: bool) -> int:
    from chatty.cli.terminal.cleaning import clean
    from chatty.cli.terminal.moments import until
    from chatty.protocol import encode

    issued = await issue()
    env.out(encode(issued).decode() if as_json else clean(issued.token, newlines=False))
    if env.stdout.isatty() and not as_json:
        whose = f"It makes its bearer {issued.name}" if issued.name else "It is yours"
        end = f", {until(issued.expires_at)}" if issued.expires_at else ""
        env.err(clean(f"note:  {whose}{end}. It is not shown again; its id is {issued.id}.", newlines=False))
        env.err("       use it with: chatty login SERVER")
    return ExitStatus.DONE
