"""Where in a room's history reading begins."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from typer import BadParameter

from chatty.cli.failures import usage
from chatty.cli.options import seconds
from chatty.client.http import Http
from chatty.events import milliseconds
from chatty.protocol import LAST_SEQ, PAGE_EVENTS

__all__ = ["Start", "before_last", "before_moment", "parse_since"]


class Start(Struct, frozen=True):
    """Reading begins after event ``seq`` of ``epoch``; None: of whatever epoch the room is in."""

    seq: int
    epoch: str | None = None


class _Stamp(Struct):
    seq: int
    at: str


_stamps = msgspec.json.Decoder(_Stamp).decode


def parse_since(text: str, now: float, option: str = "--since") -> int | datetime:
    """What ``option`` says: the number of an event, or a moment, which may be given as the time that has gone by.

    ``now`` is in seconds since 1970. A time without a zone is a local one.
    Raises Failure (usage) for what is neither.
    """
    if text.isascii() and text.isdigit():
        if len(text) < 20 and int(text) <= LAST_SEQ:
            return int(text)
    else:
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text).astimezone()
        with suppress(BadParameter, ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(now - seconds(text), UTC)
    hint = "an event's number, a time such as 2026-11-23T12:30Z, or how long ago, such as 10m"
    place = "begin" if option == "--since" else "end"
    raise usage(f'{option}: "{text}" is no place to {place} at', hint)


async def before_moment(http: Http, room_id: str, moment: datetime) -> Start:
    """Where reading begins to get what happened at ``moment`` (with a time zone) or later.

    Halves the history until it is found: some twenty requests in a million events.
    """
    wanted = int(moment.timestamp() * 1000)
    room = await http.room(room_id)
    before, last = room.first - 1, room.last
    while before < last:
        middle = (before + last + 1) // 2
        page = await http.events(room_id, after=middle - 1, limit=1)
        if page.events and milliseconds(_stamps(page.events[0]).at) < wanted:
            before = middle
        else:
            last = middle - 1
    return Start(before, room.epoch)


async def before_last(http: Http, room_id: str, count: int) -> Start:
    """Where reading begins to get the newest ``count`` messages, and what else has happened since the first of them."""
    room = await http.room(room_id)
    seq = room.last
    while count > 0:
        page = await http.events(room_id, before=seq + 1, limit=min(count, PAGE_EVENTS), types=["message"])
        if not page.events:
            break
        seq = _stamps(page.events[0]).seq - 1
        count -= len(page.events)
    return Start(seq, room.epoch)
