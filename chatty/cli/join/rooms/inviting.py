"""How others get into a room: its id, its URL, a command to copy, and where not everybody may come, an invitation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from chatty.access import MadeInvitation, NewInvitation
from chatty.cli.credentials import check_safe
from chatty.cli.failures import Failure
from chatty.cli.join.rooms.entrance import Entrance
from chatty.cli.targets import DEFAULT_SERVER
from chatty.cli.terminal.moments import until
from chatty.client.http import Http
from chatty.client.network.address import first_of, room_path
from chatty.client.rules import Rules
from chatty.errors import Refused

__all__ = ["ways_in"]

_A_DAY: Final = 86_400.0


async def ways_in(entrance: Entrance, http: Http, *, verifies_names: bool) -> list[str]:
    """The lines that tell it, of which none is cleaned yet. Raises what `Http` does.

    An invitation is made where everybody has no role of their own, for one person and a day.
    """
    target = entrance.target
    url = first_of(target.server) + room_path(target.room_id)
    server = "" if target.server == DEFAULT_SERVER else f" --server {shlex.quote(target.server)}"
    lines = [f"id: {target.room_id}", f"URL: {url}"]
    rules = Rules(http, target.room_id)
    try:
        is_closed = verifies_names or (await rules.policy()).everyone == "nobody"
        if not is_closed:
            return [*lines, f"others join with: chatty join {target.room_id}{server}"]
        check_safe(target.server, insecure=target.profile.insecure, what="an invitation")
        made = await rules.invite(NewInvitation("member", 1, _A_DAY))
    except Failure as failure:
        return [*lines, failure.message]
    except Refused as refused:
        if refused.code != "not_allowed":
            raise
        return [*lines, "you may not invite others: ask somebody who may"]
    return [*lines, *_invitation(f"{url}#{made.invitation}", made)]


def _invitation(url: str, made: MadeInvitation) -> Iterator[str]:
    end = f", {until(made.until)}" if made.until else ""
    yield f"invitation, for one person{end}: {url}"
    yield "they accept it with: chatty join INVITATION"
