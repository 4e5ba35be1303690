"""The wire: commands, control frames, close codes, limits. No I/O. The original's dialect is in seed_dialect.py.

docs/protocol.md describes it in prose. Whatever a server and a client must
agree on is here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chatty.events import Happening

PORT: Final = 8080
SUBPROTOCOL: Final = "chatty.v1"
KEY_SUBPROTOCOL: Final = "chatty.key."
"""A client that cannot set headers offers its key as a second subprotocol with this prefix."""

MESSAGE_BYTES: Final = 16_384
FRAME_BYTES: Final = 128 * 1024
NAME_POINTS: Final = 32
ROOM_NAME_POINTS: Final = 128
TOPIC_POINTS: Final = 512
REACTION_POINTS: Final = 32
TYPING_SECONDS: Final = 5.0
"""How long a `Typing` is true, and half of how often a client says it while it stays true."""
PAGE_EVENTS: Final = 500
WELCOME_PARTICIPANTS: Final = 200
LAST_SEQ: Final = 1 << 32
"""The highest number that is taken for an event's."""
EXPIRES_SECONDS: Final = 10 * 366 * 24 * 3600
"""After how long a room closes at the latest, if it was made with an end."""
IN_FLIGHT: Final = 1_000
"""Messages that a client may have unacknowledged. A server that is behind reads more slowly, and refuses nothing."""

PING_SECONDS: Final = 25.0
PONG_SECONDS: Final = 10.0
AWAY_SECONDS: Final = 15.0
TICK_SECONDS: Final = 30.0


class Close(IntEnum):
    """WebSocket close codes that a server sends: 4000–4499 say reconnect and resume, 4500–4999 don't."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    BINARY = 1003
    INVALID_TEXT = 1007
    TOO_BIG = 1009
    SLOW = 4008
    SILENT = 4012
    CONTROL_FLOOD = 4013
    CREDENTIALS_EXPIRED = 4020
    INVALID_COMMANDS = 4501
    REMOVED = 4503
    ROOM_CLOSED = 4510


CLOSE_REASONS: Final[dict[int, str]] = {
    Close.GOING_AWAY: "the server stops; reconnect",
    Close.PROTOCOL_ERROR: "a frame broke the WebSocket protocol",
    Close.INVALID_TEXT: "text must be UTF-8",
    Close.BINARY: "binary frames are not spoken here; send text",
    Close.TOO_BIG: "a frame holds at most 128 KiB",
    Close.SLOW: "reads too slowly; reconnect and resume",
    Close.SILENT: "no answer to a ping; reconnect and resume",
    Close.CONTROL_FLOOD: "too many control frames; reconnect later",
    Close.CREDENTIALS_EXPIRED: "credentials expired; renew them",
    Close.INVALID_COMMANDS: "ten invalid commands running",
    Close.REMOVED: "removed from the room",
    Close.ROOM_CLOSED: "the room is closed",
}

_OUR_FAULT: Final = frozenset({Close.PROTOCOL_ERROR, Close.BINARY, Close.INVALID_TEXT, Close.TOO_BIG})
"""The client's own fault: it would do the same again."""


def may_reconnect(close_code: int) -> bool:
    """Whether a client that was closed with this code should come back and resume."""
    return close_code not in _OUR_FAULT and close_code < 4500


# --- v1: from server to one client, beside the events -------------------------------------------------------


class Control(Struct, frozen=True, tag_field="event_type"):
    """A frame that is about one connection and no part of the room's log: it has no ``seq``."""


class RoomInfo(Struct, frozen=True, omit_defaults=True):
    """A room as ``GET /v1/rooms/{id}`` and `Welcome` show it. ``first`` and ``last`` are event numbers.

    ``slow`` is how many seconds a member has to wait between two messages.
    """

    id: str
    name: str
    topic: str
    created_at: str
    epoch: str
    first: int
    last: int
    participant_count: int
    expires_at: str | None = None
    closed_at: str | None = None
    slow: float = 0


class You(Struct, frozen=True, omit_defaults=True):
    """The participant that a connection speaks for, missing for a reader without a name, and what it may do.

    ``can`` has some of read, post, moderate, own. It is None if an older server doesn't say.
    ``verified``: the name is reserved for it, and its events say so.
    """

    participant: str | None = None
    can: list[str] | None = None
    verified: bool = False


class Limits(Struct, frozen=True):
    """The server's limits for a client's messages."""

    message_bytes: int = MESSAGE_BYTES


class Welcome(Control, frozen=True, tag="welcome", omit_defaults=True):
    """The first frame. ``participants`` holds at most 200 names; ``participant_count`` is the whole number.

    ``access`` is ``token`` if the server lets nobody in whom it doesn't know: then names are `verified
    <chatty.events.Event>`, and others prove nothing.
    """

    room: RoomInfo
    you: You
    participants: list[str]
    participant_count: int
    epoch: str
    first: int
    last: int
    limits: Limits
    access: Literal["open", "token"] = "open"


class RightsChanged(Control, frozen=True, tag="you"):
    """What the connection may do has changed: ``can`` is as in `You`."""

    can: list[str]


class Live(Control, frozen=True, tag="live"):
    """Replay is over: everything that follows happens now."""

    last: int


class Ack(Control, frozen=True, tag="ack", omit_defaults=True, kw_only=True):
    """A message is stored. Comes before that message itself; ``duplicate``: it already was."""

    n: int | None = None
    seq: int | None = None
    duplicate: bool = False
    ref: str | None = None


class Error(Control, frozen=True, tag="error", omit_defaults=True, kw_only=True):
    """A command was refused; the connection stays. In the seed dialect only ``code`` and ``message`` are there.

    After ``retry_after`` seconds it would not be refused for that.
    """

    n: int | None = None
    code: str
    message: str
    ref: str | None = None
    retry_after: float | None = None


class Gap(Control, frozen=True, tag="gap"):
    """The server can't resume exactly. The events that are available begin at ``first``."""

    reason: Literal["epoch", "retention", "ahead"]
    first: int
    last: int


class Tick(Control, frozen=True, tag="tick"):
    """Sent when nothing else was for 30 s, so that a lost tail shows."""

    last: int


class Producing(Control, frozen=True, tag="producing", omit_defaults=True):
    """The answer to `Produce`: the last number that the room accepted from this producer.

    ``digest`` is that of all that was said up to there (see digests.py), in hexadecimal; empty where it isn't known.
    """

    accepted: int
    digest: str = ""


class Typing(Control, frozen=True, tag="typing"):
    """``participant`` is writing something. Nobody keeps that, and it is over after `TYPING_SECONDS`."""

    participant: str


Frame = (
    Happening
    | Welcome | RightsChanged | Live | Ack | Error | Gap | Tick | Producing | Typing
)  # fmt: skip
"""All that a v1 server says over a WebSocket."""


class Unknown(Struct, frozen=True):
    """A frame of a newer server. A client ignores it, but for its ``seq``, which still counts."""

    event_type: str = ""
    seq: int | None = None


# --- v1: from client to server ------------------------------------------------------------------------------


Generation = Annotated[int, Meta(ge=0, le=1_000)]
"""How many automatic messages this is the last one of, each in answer to the one before."""


class Produce(Struct, frozen=True, tag_field="op", tag="produce"):
    """Number the messages that follow as those of ``producer``, a KSUID of the client's choice."""

    producer: str


class Numbered(Struct, frozen=True, tag_field="op", omit_defaults=True, kw_only=True):
    """A command that is stored if it is accepted. ``n``: its number within its producer; the answer repeats ``ref``."""

    n: int | None = None
    ref: str | None = None


class Send(Numbered, frozen=True, tag="send", omit_defaults=True):
    """Say ``text``, in answer to the message ``reply_to``; with ``action``, say that you do it.

    ``automatic``: a program says it, see `chatty.events.Message`.
    """

    text: str
    reply_to: int = 0
    action: bool = False
    automatic: Generation = 0


class Edit(Numbered, frozen=True, tag="edit"):
    """Change your message ``of``."""

    of: int
    text: str


class Delete(Numbered, frozen=True, tag="delete"):
    """Delete your message ``of``."""

    of: int


class React(Numbered, frozen=True, tag="react", omit_defaults=True):
    """React to the message ``of``, or with ``remove`` take that back."""

    of: int
    reaction: str
    remove: bool = False


class SetTopic(Numbered, frozen=True, tag="topic"):
    """Set the room's topic."""

    topic: str


class Rename(Numbered, frozen=True, tag="rename"):
    """Be called ``name`` from here on."""

    name: str


class Type(Struct, frozen=True, tag_field="op", tag="typing"):
    """Tell the others that something is being written. It is not answered."""


Say = Send | Edit | Delete | React | SetTopic | Rename
"""Every kind of `Numbered`."""

Command = Produce | Say | Type


# --- v1: HTTP bodies ----------------------------------------------------------------------------------------


class NewRoom(Struct, frozen=True, omit_defaults=True):
    """``POST /v1/rooms``. ``expires_in`` is in seconds."""

    name: str
    topic: str = ""
    expires_in: float | None = None


class CreatedRoom(RoomInfo, frozen=True, omit_defaults=True, kw_only=True):
    """The answer to `NewRoom`. ``owner_token`` is shown this once."""

    owner_token: str
    url: str


class NewMessage(Struct, frozen=True, omit_defaults=True):
    """``POST /v1/rooms/{id}/messages``, and ``PATCH`` of your own message, which takes only the first two."""

    participant: str
    text: str
    reply_to: int = 0
    action: bool = False
    automatic: Generation = 0


class NewTopic(Struct, frozen=True):
    """``PUT /v1/rooms/{id}/topic``."""

    participant: str
    topic: str


class Page(Struct, frozen=True):
    """A page of history, ascending. ``more``: there is more in the direction that was asked for."""

    events: list[Raw]
    epoch: str
    first: int
    last: int
    more: bool


class Present(Struct, frozen=True, omit_defaults=True):
    """A participant: here, or away (its connection was lost moments ago, and its name is kept).

    ``verified`` is as in events: see `chatty.events.Event`.
    """

    name: str
    away: bool
    verified: bool = False


class Participants(Struct, frozen=True):
    """``GET /v1/rooms/{id}/participants``."""

    participants: list[Present]


class Problem(Struct, frozen=True):
    """A refusal over HTTP (RFC 9457, ``application/problem+json``), with chatty's stable ``code``.

    ``request_id``: where the server failed, its log says more under this id.
    """

    title: str
    status: int
    detail: str
    code: str
    request_id: str | UnsetType = UNSET


# --- codecs -------------------------------------------------------------------------------------------------

encode: Final = msgspec.json.Encoder().encode
"""Any struct of this module or of `chatty.events` as JSON (UTF-8 bytes)."""

decode_command: Final = msgspec.json.Decoder(Command).decode
"""A client's command. Raises msgspec.DecodeError, or its child ValidationError, with a description."""

_decode_frame: Final[Callable[[bytes | str], Frame]] = msgspec.json.Decoder(Frame).decode
_decode_unknown: Final = msgspec.json.Decoder(Unknown).decode


def decode_frame(data: bytes | str) -> Frame | Unknown:
    """Decodes a v1 server's frame; one of an unknown type is `Unknown`. Raises DecodeError for anything else."""
    try:
        return _decode_frame(data)
    except msgspec.ValidationError:
        return _decode_unknown(data)
