"""The way into rooms: invitations are accepted and passwords shown there, and rooms are remembered by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chatty.cli.access.door import ask, invited, show
from chatty.cli.config import ServerChoice
from chatty.cli.credentials import credential
from chatty.cli.environment import Environment
from chatty.cli.failures import Failure, explain, usage
from chatty.cli.join.rooms.entrance import Entrance
from chatty.cli.room_list import KnownRoom, remember
from chatty.cli.targets import RoomTarget, about, check_namesakes, speaking_name
from chatty.cli.terminal.cleaning import clean
from chatty.errors import Refused

if TYPE_CHECKING:
    from chatty.access import Admitted
    from chatty.client.http import Http
    from chatty.client.identity import Credential
    from chatty.protocol import RoomInfo

__all__ = ["NOTHING", "PosterOnly", "Shown", "Way"]


class Shown(NamedTuple):
    """What somebody shows to be let in, if anything."""

    invitation: str = ""
    password: str = ""


NOTHING = Shown()


class PosterOnly(Exception):
    """Somebody was let into a room to post there, and not to read."""

    def __init__(self, admitted: Admitted) -> None:
        self.admitted = admitted
        super().__init__()


class Way(NamedTuple):
    """Leads into rooms of the servers that ``at`` chooses, under ``name``, or else under one's usual name.

    ``warn`` is told what went wrong that isn't an error; by default it stands on standard error.
    """

    env: Environment
    at: ServerChoice
    name: str | None
    warn: Callable[[str], None] | None = None

    async def door(self, text: str, warn: Callable[[str], None]) -> Entrance:
        """The way into the room that was typed, while a prompt has the terminal: a `chatty.cli.join.rooms` door."""
        target, invitation = invited(self.env, text, self.at)
        if not target.room_id:
            raise usage("that invitation is to the server, and not to a room", "accept it with: chatty join -")
        try:
            return await self._replace(warn=warn).into(target, Shown(invitation), asks=False)
        except Failure as failure:
            if failure.code == "room_not_found":
                failure.hint += "; if it has a password, join it from the shell"
            raise
        except PosterOnly as poster:
            raise usage(f'you may only post in "{poster.admitted.room_name}"', "use: chatty send") from None

    async def into(self, target: RoomTarget, shown: Shown = NOTHING, *, asks: bool = True) -> Entrance:
        """The way into ``target``. Where that is needed, it ``asks`` for a password, once.

        Raises `PosterOnly`, and what the commands raise that read a room.
        """
        key = credential(self.env, target.profile, target.server, lasting=shown != NOTHING)
        with about(self.env, target):
            async with target.http(key) as http:
                own = ""
                if shown != NOTHING:
                    admitted = await self.admit(http, target, key, shown)
                    if admitted.role == "poster":
                        raise PosterOnly(admitted)
                    own = admitted.name
                info, given = await self._seen(http, target, key, asks=asks)
                known = KnownRoom.of(info, target.server, since=self.env.now())
                await check_namesakes(self.env, http, known)
            name = await speaking_name(self.env, target, key, self.name or own or given or None)
        self._remember(known)
        return Entrance(target, known.name, name, key, self.name)

    async def admit(self, http: Http, target: RoomTarget, key: Credential, shown: Shown) -> Admitted:
        """Be let in, and remember the room by its name."""
        admitted = await show(
            self.env, http, target, key, self.name, invitation=shown.invitation, password=shown.password
        )
        if target.room_id:
            self._remember(KnownRoom(target.room_id, admitted.room_name, target.server, since=self.env.now()))
        return admitted

    async def _seen(self, http: Http, target: RoomTarget, key: Credential, *, asks: bool) -> tuple[RoomInfo, str]:
        """The room, and a name that is the user's there. If it can't be seen, perhaps it wants a password."""
        from chatty.client.identity import current
        from chatty.credentials import is_token

        try:
            return await http.room(target.room_id), ""
        except Refused as refused:
            if (
                not asks
                or refused.code not in ("room_not_found", "unauthorized")
                or (refused.code == "unauthorized" and is_token(current(key)))
            ):
                raise
            self.env.err(clean(f"note:  {refused.message}", newlines=False))
            password = ask(self.env, "If the room has a password, type it; otherwise press Enter: ")
            if not password:
                raise
        try:
            admitted = await self.admit(http, target, key, Shown(password=password))
        except Refused as refused:
            if refused.code != "not_admitted":
                raise
            failure = explain(refused)
            failure.hint = "check the room and the password, and try again"
            raise failure from None
        return await http.room(target.room_id), admitted.name

    def _remember(self, known: KnownRoom) -> None:
        try:
            remember(self.env, known)
        except (OSError, Failure) as error:
            told = f"the room is not remembered ({explain(error).message})"
            if self.warn is not None:
                self.warn(told)
            else:
                self.env.err(clean(f"warning: {told}", newlines=False))
