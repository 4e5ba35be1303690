"""``chatty invite``: makes, lists and revokes invitations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import usage
from chatty.cli.options import (
    JsonOption,
    OperatorOption,
    OptionalRoomArgument,
    at_server,
    duration,
    environment,
    filled,
)

if TYPE_CHECKING:
    from chatty.access import InvitationInfo, NewInvitation
    from chatty.cli.access.scope import Scope

EXAMPLES: Final = (
    "chatty invite deploys",
    "chatty invite deploys --can read --uses 20 --expires 7d",
    "chatty invite deploys --revoke vPnLKvTA0cyM --members",
)

Can = Literal["read", "post", "chat", "moderate", "own"]

_ROLES: Final[dict[str, Literal["reader", "poster", "member", "moderator", "owner"]]] = {
    "read": "reader", "post": "poster", "chat": "member", "moderate": "moderator", "own": "owner",
}  # fmt: skip
_A_DAY: Final = 86_400.0


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: OptionalRoomArgument = None,
    can: Annotated[Can, typer.Option("--can", help="What they may do there.")] = "chat",
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", parser=filled, help="They are called so, and nobody else is."),
    ] = None,
    uses: Annotated[int, typer.Option("--uses", metavar="N", min=1, max=1000, help="For so many people.")] = 1,
    expires: Annotated[float, duration("--expires", "It ends after this time: 8h, 7d … [default: 1d]")] = _A_DAY,
    list_all: Annotated[bool, typer.Option("--list", help="List the invitations, without their secrets.")] = False,
    revoke: Annotated[
        str | None,
        typer.Option("--revoke", metavar="ID", parser=filled, help="Revoke the invitation with this id of the list."),
    ] = None,
    members: Annotated[
        bool, typer.Option("--members", help="With --revoke: also take away the roles that it gave.")
    ] = False,
    data: OperatorOption = None,
    json: JsonOption = False,
) -> int:
    """Invite people to a room or the server: print a URL to let them in.

    They accept it with chatty join. It counts as long as you may invite. Only
    administrators may say what somebody is called.
    """
    from chatty.access import NewInvitation
    from chatty.cli.access.scope import Scope
    from chatty.cli.runner import run
    from chatty.credentials import RESERVED

    env, scope = environment(ctx), Scope(at, room, data)
    if revoke is not None:
        if revoke.startswith(RESERVED):
            raise usage("an invitation is named by its id, and not by its secret", "see: chatty invite ROOM --list")
        return run(_revoke(env, scope, revoke, members=members))
    if members:
        raise usage("--members says what to revoke besides an invitation", "--revoke ID --members")
    if list_all:
        return run(_list(env, scope, as_json=json))
    if name is not None and uses > 1:
        raise usage("only one person can be called so", "leave out --uses, or --name")
    return run(_invite(env, scope, NewInvitation(_ROLES[can], uses, expires, name or ""), as_json=json))


async def _invite(env: Environment, scope: Scope, new: NewInvitation, *, as_json: bool) -> int:
    from msgspec import to_builtins

    from chatty.cli.access.door import invitation_url
    from chatty.cli.access.scope import rule
    from chatty.cli.credentials import check_safe
    from chatty.cli.targets import resolve_room, whole_server
    from chatty.cli.terminal.cleaning import clean
    from chatty.cli.terminal.moments import until
    from chatty.protocol import encode

    target = whole_server(env, scope.at) if scope.room is None else resolve_room(env, scope.room, scope.at)
    if scope.data is None:
        check_safe(target.server, insecure=target.profile.insecure, what="an invitation")
    made = await rule(env, scope, lambda rules: rules.invite(new))
    url = clean(invitation_url(target, made.invitation), newlines=False)
    if as_json:
        env.out(encode({"url": url, **to_builtins(made)}).decode())
        return ExitStatus.DONE
    env.out(url)
    if env.stdout.isatty():
        people = "one person" if made.uses == 1 else f"{made.uses} people"
        end = f", {until(made.until)}" if made.until else ""
        env.err(clean(f"note:  It lets in {people}{end}, and is not shown again; its id is {made.id}.", newlines=False))
        env.err("       they use it with: chatty join -")
    return ExitStatus.DONE


async def _list(env: Environment, scope: Scope, *, as_json: bool) -> int:
    from chatty.cli.access.scope import rule
    from chatty.cli.access.table import print_rows
    from chatty.protocol import encode

    found = await rule(env, scope, lambda rules: rules.invitations())
    if as_json:
        for one in found:
            env.out(encode(one).decode())
    else:
        print_rows(env, [_row(one) for one in found])
    return ExitStatus.DONE


def _row(one: InvitationInfo) -> tuple[str, ...]:
    from chatty.cli.terminal.moments import until

    left = "used up" if not one.uses else f"{one.uses} left"
    notes = [note for note in (left, until(one.until), f"by {one.by}", one.name and f"for {one.name}") if note]
    return one.id, one.role, "; ".join(notes)


async def _revoke(env: Environment, scope: Scope, invitation: str, *, members: bool) -> int:
    from chatty.cli.access.scope import rule

    await rule(env, scope, lambda rules: rules.uninvite(invitation, members=members))
    return ExitStatus.DONE
