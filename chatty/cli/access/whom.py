"""Whom a command about one person is about, and what bans and mutes do."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from chatty.cli.access.scope import Scope, rule, shifted
from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.terminal.cleaning import clean, clean_name
from chatty.cli.terminal.moments import until

__all__ = ["Whom", "lift", "restrict", "whom"]

Act = Literal["ban", "mute"]

_IDENTITY: Final = re.compile("[0-9a-f]{32}")
_DONE: Final = {"ban": "banned", "mute": "muted"}
_BY: Final = {"identity": "key or token", "name": "name", "address": "address, for an hour at most"}
"""The ways in which a restriction tells somebody from others."""


class Whom(NamedTuple):
    """Somebody, and where: by ``name``, which may be an identity of the list of members, or as the author of ``of``."""

    scope: Scope
    name: str
    of: int

    def __str__(self) -> str:
        return clean_name(self.name) if self.name else f"the author of message {self.of}"


def whom(at: ServerChoice, room: str | None, name: str | None, of: int | None, *, server_wide: bool = False) -> Whom:
    """The person that a command line means. Raises Failure (usage)."""
    place, person = shifted(room, name, server_wide=server_wide)
    if place is None and not server_wide:
        raise usage("missing argument 'ROOM'")
    if (person is None) == (of is None):
        raise usage("say who it is: by NAME, or by --of N as the author of a message")
    if of is not None and server_wide:
        raise usage("--of is about a room's message, and --server-wide about no room", "give their name")
    return Whom(Scope(at, place), person or "", of or 0)


async def restrict(
    env: Environment, act: Act, who: Whom, seconds: float | None, reason: str, *, delete: bool = False
) -> int:
    """Ban or mute them, and print what that does. With ``delete``, what they wrote goes, too."""
    from chatty.access import NewDeletion, NewRestriction
    from chatty.cli.access.deletion import delete as delete_all

    if delete and who.scope.room is None:
        raise usage("--messages is about one room", "ban them, and then use: chatty delete ROOM --ban ID")

    by_identity = _IDENTITY.fullmatch(who.name) is not None
    new = NewRestriction(
        act, "" if by_identity else who.name, who.name if by_identity else "", who.of,
        expires_in=seconds, reason=reason,
    )  # fmt: skip
    made = await rule(env, who.scope, lambda rules: rules.restrict(new))
    ways = ", ".join(_BY.get(way, clean(way, newlines=False)) for way in made.holds_for)
    how_long = clean(until(made.until), newlines=False) or "for good"
    env.out(f"{clean_name(made.name) or who} is {_DONE[act]} {how_long} (by {ways})")
    room = clean(who.scope.room or "ROOM", newlines=False)
    if delete:
        await delete_all(env, who.scope, NewDeletion(restriction=made.id, reason=reason))
    elif made.authors:
        others = f" and {made.authors - 1:,} others from the same address" if made.authors > 1 else ""
        env.err(f"note:  what they{others} wrote is deleted by: chatty delete {room} --ban {clean(made.id)}")
    if act == "ban" and who.scope.room is not None:
        env.err("note:  somebody with the room's id can come back with a new key;")
        env.err(f"       keep strangers out with: chatty policy {room} --everyone nobody")
    return ExitStatus.DONE


async def lift(env: Environment, act: Act, who: Whom) -> int:
    """End all bans or mutes of theirs."""
    from chatty.client.rules import Rules
    from chatty.names import same

    async def lift_all(rules: Rules) -> int:
        found = [one for one in await rules.restrictions() if one.act == act and same(one.name, who.name)]
        for one in found:
            await rules.lift(one.id)
        return len(found)

    if not await rule(env, who.scope, lift_all):
        where = "on the server" if who.scope.room is None else f"in {clean(who.scope.room, newlines=False)}"
        hint = f"see: chatty members{'' if who.scope.room is None else f' {who.scope.room}'}"
        raise Failure(ExitStatus.REFUSED, "target_not_found", f'nobody called "{who}" is {_DONE[act]} {where}', hint)
    env.out(f"{who} is no longer {_DONE[act]}")
    return ExitStatus.DONE
