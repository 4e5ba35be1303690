"""How others get into a room: its id, its URL, a command to copy, and where not everybody may come, an invitation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from rich.text import Text

from chatty.access import MadeInvitation, NewInvitation
from chatty.cli.credentials import check_safe
from chatty.cli.failures import Failure
from chatty.cli.join.rendering.view import notice, to_copy
from chatty.cli.join.rooms.entrance import Entrance
from chatty.cli.targets import DEFAULT_SERVER
from chatty.cli.terminal.moments import until
from chatty.client.http import Http
from chatty.client.rules import Rules
from chatty.errors import Refused

__all__ = ["ways_in"]

_A_DAY: Final = 86_400.0


async def ways_in(entrance: Entrance, http: Http, *, verifies_names: bool) -> list[Text]:
    """The lines that tell it. Raises what `Http` does.

    An invitation is made where everybody has no role of their own, for one person and a day.
    """
    target = entrance.target
    server = "" if target.server == DEFAULT_SERVER else f" --server {shlex.quote(target.server)}"
    lines = [notice(f"id: {target.room_id}"), notice(f"URL: {target.url}")]
    rules = Rules(http, target.room_id)
    try:
        is_closed = verifies_names or (await rules.policy()).everyone == "nobody"
        if not is_closed:
            return [*lines, notice("others join with:"), to_copy(f"chatty join {target.room_id}{server}")]
        check_safe(target.server, insecure=target.profile.insecure, what="an invitation")
        made = await rules.invite(NewInvitation("member", 1, _A_DAY))
    except Failure as failure:
        return [*lines, notice(failure.message)]
    except Refused as refused:
        if refused.code != "not_allowed":
            raise
        return [*lines, notice("you may not invite others: ask somebody who may")]
    return [*lines, *_invitation(f"{target.url}#{made.invitation}", made)]


def _invitation(url: str, made: MadeInvitation) -> Iterator[Text]:
    end = f", {until(made.until)}" if made.until else ""
    yield notice(f"invitation, for one person{end}:")
    yield to_copy(url)
    yield notice("they accept it with: chatty join -")
