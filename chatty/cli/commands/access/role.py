"""``chatty role``: gives somebody a role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import (
    ForOption,
    OperatorOption,
    PersonArgument,
    PlaceArgument,
    ServerWideOption,
    at_server,
    environment,
)

if TYPE_CHECKING:
    from chatty.cli.access.scope import Scope

EXAMPLES: Final = (
    "chatty role deploys Bob moderator --for 7d",
    "chatty role --server-wide ada owner",
)


def _roles() -> list[str]:
    from chatty.access import ROOM_ROLES

    return list(ROOM_ROLES)


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: PlaceArgument = None,
    name: PersonArgument = None,
    role: Annotated[
        str | None,
        typer.Argument(
            metavar="ROLE",
            help="nobody, reader, poster, member, moderator or owner.",
            autocompletion=_roles,
            show_default=False,
        ),
    ] = None,
    time: ForOption = None,
    server_wide: ServerWideOption = False,
    data: OperatorOption = None,
) -> int:
    """Give somebody a role in a room, or on the server.

    NAME is somebody in the room, somebody with a token, or an identity as
    chatty members lists it. The role nobody takes away what they were given.
    """
    from chatty.cli.access.scope import Scope, shifted
    from chatty.cli.runner import run

    place, person, given = shifted(room, name, role, server_wide=server_wide)
    if person is None or given is None or (place is None and not server_wide):
        raise usage("it takes ROOM, NAME and ROLE", "see: chatty role --help")
    if given not in _roles():
        raise usage(f'"{given}" is not one of {", ".join(_roles())}', "see: chatty role --help")
    return run(_role(environment(ctx), Scope(at, place, data), person, given, time))


async def _role(env: Environment, scope: Scope, name: str, role: str, seconds: float | None) -> int:
    from chatty.access import Role
    from chatty.cli.access.scope import rule

    await rule(env, scope, lambda rules: rules.set_role(name, cast(Role, role), seconds))
    return ExitStatus.DONE
