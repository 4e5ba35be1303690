"""Which part of a room's history a command is about: what ``--since`` and ``--until`` mean."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Final

from chatty.cli.failures import Failure, usage
from chatty.cli.terminal.moments import read_moment
from chatty.client.decoding import read_stamp
from chatty.client.http import Http
from chatty.events import StreamPosition, milliseconds
from chatty.protocol import LAST_SEQ, PAGE_EVENTS

__all__ = ["ahead_of_newest", "before_last", "before_moment", "parse_since"]

_FORMS: Final = "write an event's number, a time (2026-11-23T12:30Z, or @1795437000), or how long ago (10m)"
_FIRST_UNIX_TIME: Final = 1_000_000_000
"""Numbers from here on are rather Unix times: in seconds up to ten digits, else in milliseconds."""


def parse_since(text: str, now: float, option: str = "--since") -> int | datetime:
    """The value of ``option``: an event's number or a moment, which may be given as the time that has passed since.

    ``now`` is in seconds since 1970. A time without a zone is local. Raises
    Failure (usage) for anything else.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        if len(text) < 20 and int(text) <= LAST_SEQ:
            return int(text)
        raise usage(f"{option}: no event has the number {text}", _instead(text))
    moment = read_moment(text, now)
    if moment is None:
        raise usage(f'{option}: "{text}" is not a number, a time, or a length of time', _FORMS)
    return moment


def ahead_of_newest(number: int, newest: int, option: str = "--since") -> Failure:
    """Why ``number`` can't be where reading begins or ends: the room's ``newest`` event has a lower one."""
    return usage(f"{option}: event {number} is ahead of the newest, which is {newest}", _instead(str(number)))


def looks_like_time(number: int) -> bool:
    """Whether somebody who writes ``number`` probably means a date or a Unix time."""
    return _instead(str(number)) != _FORMS


def _instead(digits: str) -> str:
    """How to write what ``digits`` probably mean: a date or a Unix time."""
    if len(digits) == 8:
        with suppress(ValueError):
            return f"for a day, write {date.fromisoformat(digits)}; for a Unix time, @{digits}"
    if len(digits) <= 13 and int(digits) >= _FIRST_UNIX_TIME:
        return f"for a Unix time, write @{digits if len(digits) == 10 else int(digits) // 1000}"
    return _FORMS


async def before_moment(http: Http, room_id: str, moment: datetime) -> StreamPosition:
    """Where reading begins to get all that has happened since ``moment`` (which has a time zone).

    Halves the history until it is found: some twenty requests for a million events.
    """
    wanted = int(moment.timestamp() * 1000)
    room = await http.room(room_id)
    before, last = room.first - 1, room.last
    while before < last:
        middle = (before + last + 1) // 2
        page = await http.events(room_id, after=middle - 1, limit=1)
        if page.events and milliseconds(read_stamp(page.events[0]).at) < wanted:
            before = middle
        else:
            last = middle - 1
    return StreamPosition(room.epoch, before)


async def before_last(http: Http, room_id: str, count: int) -> StreamPosition:
    """Where reading begins to get the newest ``count`` messages, and all else since the first of them."""
    room = await http.room(room_id)
    seq = room.last
    while count > 0:
        page = await http.events(room_id, before=seq + 1, limit=min(count, PAGE_EVENTS), types=["message"])
        if not page.events:
            break
        seq = read_stamp(page.events[0]).seq - 1
        count -= len(page.events)
    return StreamPosition(room.epoch, seq)
