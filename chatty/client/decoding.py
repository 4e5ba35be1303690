"""Reads what a server sends, and checks what its types can't say. Everything that is wrong with it is a ProtocolError.

So a broken or hostile server ends a command with an error that is about the
server, and not with an exception from deep inside.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final, TypeVar

import msgspec
from msgspec import Raw, Struct

from chatty.errors import ProtocolError
from chatty.events import Event
from chatty.protocol import Frame, Page, RoomInfo, Unknown, Welcome, decode_frame

__all__ = ["UNREADABLE", "check_page", "read_answer", "read_frame", "read_stamp"]

T = TypeVar("T")

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The errors of decoding JSON that has another form than expected, or is nested too deeply."""


class Stamp(Struct):
    """What every event of a page has, even one that only a newer version knows."""

    seq: int
    at: str


_decode_stamp = msgspec.json.Decoder(Stamp).decode


def read_frame(raw: bytes | str) -> Frame | Unknown:
    """A frame of a WebSocket or an event of a page. Its times can be shown, in any zone. Raises ProtocolError."""
    try:
        frame = decode_frame(raw)
        if isinstance(frame, Event):
            _check_time(frame.time)
        elif isinstance(frame, Welcome):
            _check_room(frame.room)
    except (*UNREADABLE, ValueError) as error:
        raise ProtocolError(f"the server sent an invalid frame: {error}") from error
    return frame


def read_stamp(event: Raw) -> Stamp:
    """The number and the time of an event in a page. Raises ProtocolError."""
    try:
        stamp = _decode_stamp(event)
        _check_time(datetime.fromisoformat(stamp.at))
    except (*UNREADABLE, ValueError) as error:
        raise ProtocolError(f"the server sent an invalid event: {error}") from error
    return stamp


def read_answer(body: bytes, type: type[T], server: str) -> T:
    """The body of an answer over HTTP. Raises ProtocolError."""
    try:
        answer = msgspec.json.decode(body.decode(), type=type)  # msgspec doesn't look into the strings that it skips
        if isinstance(answer, RoomInfo):
            _check_room(answer)
    except (*UNREADABLE, ValueError) as error:
        raise ProtocolError(f"{server} did not answer as a chatty server does ({error})") from error
    return answer


def check_page(page: Page, *, after: int | None, before: int | None) -> None:
    """Raise ProtocolError unless the events are in order between the two, so that reading on comes to an end."""
    low, high = after or 0, math.inf if before is None else before
    for raw in page.events:
        frame = read_frame(bytes(raw))
        seq = frame.seq if isinstance(frame, Event) else read_stamp(raw).seq
        if not low < seq < high:
            raise ProtocolError(f"the server sent event {seq} in a page of history where it doesn't belong")
        low = seq


def _check_room(room: RoomInfo) -> None:
    for at in (room.created_at, room.expires_at, room.closed_at):
        if at is not None:
            _check_time(datetime.fromisoformat(at))


def _check_time(moment: datetime) -> None:
    if moment.tzinfo is None or not 1 < moment.year < 9999:  # the first and the last year may overflow in another zone
        raise ValueError(f"{moment.isoformat()} is not a time that a server gives")
