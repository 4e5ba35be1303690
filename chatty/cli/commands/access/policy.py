"""``chatty policy``: shows or changes the rules for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import JsonOption, OperatorOption, OptionalRoomArgument, at_server, duration, environment

if TYPE_CHECKING:
    from chatty.access import Policy
    from chatty.cli.access.scope import Scope

EXAMPLES: Final = (
    "chatty policy deploys --everyone nobody",
    "chatty policy deploys --everyone nobody --password-stdin < password",
    "chatty policy",
)

Everyone = Literal["nobody", "reader", "poster", "member"]
Topic = Literal["member", "moderator"]


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: OptionalRoomArgument = None,
    everyone: Annotated[
        Everyone | None, typer.Option("--everyone", help="The role of all who have none of their own.")
    ] = None,
    lock: Annotated[
        bool | None,
        typer.Option("--lock/--unlock", help="Let only moderators speak, or everybody again.", show_default=False),
    ] = None,
    topic: Annotated[Topic | None, typer.Option("--topic", help="The role that may set the topic.")] = None,
    slow: Annotated[
        float | None, duration("--slow", "How long a member waits between two messages; 0 for not at all.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Set a password that lets people in: the first line of input.")
    ] = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="Remove the password.")] = False,
    data: OperatorOption = None,
    json: JsonOption = False,
) -> int:
    """Show the rules for everybody, of a room or of the server.

    With one of the first six options, it changes them. A new password keeps out
    nobody who is a member already.
    """
    from chatty.access import MOST_SLOW, Policy
    from chatty.cli.access.scope import Scope
    from chatty.cli.runner import run

    if slow is not None and room is None:
        raise usage("--slow is a rule of one room", "name the room: chatty policy ROOM --slow 10s")
    if slow is not None and slow > MOST_SLOW:
        raise usage("--slow is a day at most", "to silence a room for longer: chatty policy ROOM --lock")
    env, scope = environment(ctx), Scope(at, room, data)
    password = _password(env, scope, remove=no_password) if password_stdin or no_password else None
    return run(_policy(env, scope, Policy(everyone, lock, topic, slow, password), as_json=json))


def _password(env: Environment, scope: Scope, *, remove: bool) -> str:
    """The new password, or an empty one to remove it. Raises Failure (usage)."""
    from chatty.cli.access.door import first_line
    from chatty.cli.credentials import check_safe
    from chatty.cli.targets import resolve_room

    if scope.room is None:
        raise usage("a password is a room's, and the server has none", "chatty policy ROOM --password-stdin")
    if remove:
        return ""
    if scope.data is None:
        target = resolve_room(env, scope.room, scope.at)
        check_safe(target.server, insecure=target.profile.insecure, what="a password")
    return first_line(env, f"New password of {scope.room}: ")


async def _policy(env: Environment, scope: Scope, change: Policy, *, as_json: bool) -> int:
    from chatty.access import Policy
    from chatty.cli.access.scope import rule
    from chatty.cli.access.table import print_rows
    from chatty.protocol import encode

    if change != Policy():
        await rule(env, scope, lambda rules: rules.set_policy(change))
        return ExitStatus.DONE
    policy = await rule(env, scope, lambda rules: rules.policy())
    if as_json:
        env.out(encode(policy).decode())
    else:
        rows = [("everyone", policy.everyone), ("locked", "yes" if policy.locked else "no"), ("topic", policy.topic)]
        if scope.room is not None:
            rows.append(("password", "yes" if policy.has_password else "no"))
            rows.append(("slow", f"{policy.slow:,g} s" if policy.slow else "no"))
        print_rows(env, [(what, value or "") for what, value in rows])
    return ExitStatus.DONE
