"""The slash commands of moderators. They go over HTTP, as `chatty ban` and the like do, and the server decides."""

from __future__ import annotations

import re
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple, cast, get_args

from chatty.access import MOST_SLOW, NewKick, NewRestriction, NewRole, Policy, Role
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.actions import Actions
from chatty.cli.terminal.cleaning import clean, clean_name
from chatty.cli.terminal.moments import until
from chatty.client.rules import Rules
from chatty.durations import parse_duration
from chatty.names import same

__all__ = ["ModeratorActions"]

_NUMBER: Final = re.compile(r"#([1-9]\d{0,9})(?!\S)\s*(.*)", re.DOTALL)
_FIRST: Final = re.compile(r"(\S+)\s*(.*)", re.DOTALL)
_BY: Final = {"identity": "key or token", "name": "name", "address": "address, for an hour at most"}

Work = Coroutine[Any, Any, None]


class Whom(NamedTuple):
    """Somebody by name, or as the author of the message ``of``; and the text behind that."""

    name: str
    of: int
    rest: str

    def __str__(self) -> str:
        return clean_name(self.name) if self.name else f"the author of #{self.of}"


class ModeratorActions(Actions):
    """See `Actions`."""

    @property
    def _rules(self) -> Rules:
        return Rules(self._http, self._room_id)

    def kick(self, argument: str) -> Work:
        """Send somebody out of the room."""
        whom = self._whom(argument)
        return self._rules.kick(NewKick(whom.name, whom.of, whom.rest))

    def ban(self, argument: str) -> Work:
        """Keep somebody out of the room."""
        return self._restrict("ban", "banned", argument)

    def mute(self, argument: str) -> Work:
        """Let somebody read, but not speak."""
        return self._restrict("mute", "muted", argument)

    def unban(self, argument: str) -> Work:
        """Let somebody in again."""
        return self._lift("ban", "banned", argument)

    def unmute(self, argument: str) -> Work:
        """Let somebody speak again."""
        return self._lift("mute", "muted", argument)

    def lock(self) -> Work:
        """Let only moderators speak."""
        return self._rules.set_policy(Policy(locked=True))

    def unlock(self) -> Work:
        """Let everybody speak again."""
        return self._rules.set_policy(Policy(locked=False))

    def slow(self, argument: str) -> Work:
        """Let members wait between two messages."""
        try:
            seconds = 0.0 if argument == "off" else parse_duration(argument)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= MOST_SLOW:
            raise Wrong("/slow takes a length of time, a day at most, or off: /slow 10s")
        return self._rules.set_policy(Policy(slow=seconds))

    def role(self, argument: str) -> Work:
        """Give somebody a role."""
        name, _, role = argument.rstrip().rpartition(" ")
        if role not in get_args(Role):
            raise Wrong(f"/role takes a name and a role, one of {', '.join(get_args(Role))}: /role Ada moderator")
        whom = self._whom(name)
        if whom.of or whom.rest or not whom.name:
            raise Wrong(f"nobody called {clean_name(name.removeprefix('@'))} is here, or was lately")
        return self._give(whom.name, cast(Role, role))

    async def _give(self, name: str, role: Role) -> None:
        await self._rules.set_role(name, NewRole(role).role)
        self._notice(f"{clean_name(name)} has {'no role of their own' if role == 'nobody' else f'the role {role}'} now")

    def _restrict(self, act: Literal["ban", "mute"], done: str, argument: str) -> Work:
        whom, seconds = self._whom(argument), None
        reason = whom.rest
        first = _FIRST.fullmatch(reason)
        if first is not None:
            with suppress(ValueError):  # then it is the reason's first word
                seconds, reason = parse_duration(first[1], unit_needed=True), first[2]
        if seconds == 0.0:
            raise Wrong(f"/{act} takes a time that is more than none: /{act} Eve 1h")
        return self._restricted(done, whom, NewRestriction(act, whom.name, "", whom.of, "", seconds, reason))

    async def _restricted(self, done: str, whom: Whom, new: NewRestriction) -> None:
        made = await self._rules.restrict(new)
        ways = ", ".join(_BY.get(way, clean(way, newlines=False)) for way in made.holds_for)
        how_long = clean(until(made.until), newlines=False) or "for good"
        self._notice(f"{clean_name(made.name) or whom} is {done} {how_long} (by {ways})")

    def _lift(self, act: Literal["ban", "mute"], done: str, argument: str) -> Work:
        name = argument.removeprefix("@")
        return self._lifted(act, done, name)

    async def _lifted(self, act: str, done: str, name: str) -> None:
        found = [one for one in await self._rules.restrictions() if one.act == act and same(one.name, name)]
        for one in found:
            await self._rules.lift(one.id)
        if not found:
            self._notice(f"nobody called {clean_name(name)} is {done} here")

    def _whom(self, argument: str) -> Whom:
        """Somebody that ``argument`` begins with: by a whole name that is known here, else by a word, or by #SEQ."""
        if found := _NUMBER.fullmatch(argument):
            return Whom("", int(found[1]), found[2])
        try:
            person, rest = self._pointer.named(argument.removeprefix("@"))
        except Wrong:
            # Somebody who was never seen from here, such as one who posts over HTTP: the server may know the name.
            first = _FIRST.fullmatch(argument.removeprefix("@"))
            if first is None:
                raise
            return Whom(first[1], 0, first[2])
        return Whom(person.name, 0, rest)
