"""Everything that can go wrong, as one tree and one table.

    ChattyError
    ├── Refused          the server understood, and said no (a code of CODES)
    ├── Unreachable      nothing answered, or not in time; trying again may help
    ├── Disconnected     a connection ended and will not be opened again
    └── ProtocolError    something answered that does not speak chatty's protocol

A refusal's ``code`` is stable, so programs may rely on it. Its text is for
people: it says what to do, and may change.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

__all__ = [
    "CODES",
    "ChattyError",
    "Code",
    "Disconnected",
    "ProtocolError",
    "Refused",
    "Unreachable",
]


class Code(NamedTuple):
    """The meaning of a refusal's code: the HTTP status it travels with, and the text that a person reads."""

    status: int
    text: str


CODES: Final[dict[str, Code]] = {
    "bad_request": Code(400, "The request could not be understood; see docs/protocol.md for its form."),
    "name_invalid": Code(400, "Choose a name of 1 to 32 visible characters, without control characters."),
    "message_empty": Code(400, "A message needs some text."),
    "message_too_long": Code(413, "A message holds at most 16,384 bytes; send it in parts."),
    "unauthorized": Code(401, "This server wants to know who you are; `chatty login` takes a token."),
    "not_allowed": Code(403, "You may not do that here; `chatty whoami` shows what you may."),
    "not_admitted": Code(403, "That lets nobody in here, or no longer; ask for an invitation."),
    "banned": Code(403, "You are banned from this room."),
    "muted": Code(403, "You are muted in this room for now."),
    "room_locked": Code(403, "This room accepts no messages for now."),
    "address_not_found": Code(404, "There is nothing at this address; see docs/protocol.md for those that exist."),
    "room_not_found": Code(404, "There is no such room; check its id, or `chatty login` if it is not for everybody."),
    "message_not_found": Code(404, "There is no such message in this room, or it was deleted."),
    "target_not_found": Code(404, "There is no such member, token or restriction."),
    "method_not_allowed": Code(405, "This address does not support that method; see the Allow header."),
    "name_taken": Code(409, "Somebody else holds this name in the room; choose another one."),
    "out_of_order": Code(409, "A number was skipped; send again, starting after the last accepted one."),
    "idempotency_conflict": Code(409, "This key was used for another message; choose a new one."),
    "room_closed": Code(410, "This room is closed; its history stays readable for a day."),
    "too_large": Code(413, "The request is too large."),
    "unsupported_media_type": Code(415, "Send application/json or text/plain."),
    "upgrade_required": Code(426, "This address needs a WebSocket handshake."),
    "too_fast": Code(429, "This room is in slow mode; wait before you say more."),
    "rate_limited": Code(429, "Too many requests; wait as long as Retry-After says."),
    "too_many_connections": Code(429, "Too many connections from this address; close one first."),
    "internal": Code(500, "The server made a mistake, and nothing was stored; its log says more."),
    "busy": Code(503, "The server has no room for another connection; try again soon."),
    "room_full": Code(503, "This room is full; try again later."),
    "unavailable": Code(503, "The server cannot store anything right now, and nothing has changed; try again soon."),
    "uncertain": Code(504, "It is not known whether this was stored; repeat it with the same Idempotency-Key."),
}
"""Every code of a refusal. The wire, the metrics and the documentation take them from here."""


class ChattyError(Exception):
    """The base of all exceptions that chatty raises on purpose."""


class Refused(ChattyError):
    """The server said no.

    ``code`` is one of `CODES` (or one that a newer server knows), ``message``
    what the server said about it, which is what `str` gives, ``status`` the
    HTTP status if there was one, ``retry_after`` the seconds after which to
    ask again, where told, ``request_id`` the id under which the server's log
    has the request, where the server failed.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        known = CODES.get(code)
        self.code = code
        self.message = message or (known.text if known else code)
        self.status = status if status is not None else (known.status if known else None)
        self.retry_after = retry_after
        self.request_id = request_id
        super().__init__(code, self.message)

    def __str__(self) -> str:
        return self.message


class Unreachable(ChattyError):
    """Nothing answered at ``server``; ``reason`` says how that showed (connection refused, timed out …).

    ``because`` says what there is to do about it, where that is known: nobody
    known vouches for the server's ``certificate``, it is ``plain`` and speaks
    no TLS, or a ``proxy`` stands in between. ``lasting``: the reason is how
    this client is set up, so trying again doesn't help.
    """

    def __init__(
        self,
        server: str,
        reason: str,
        *,
        because: Literal["certificate", "plain", "proxy"] | None = None,
        lasting: bool = False,
    ) -> None:
        self.server = server
        self.reason = reason
        self.because = because
        self.lasting = lasting
        super().__init__(server, reason)

    def __str__(self) -> str:
        return f"cannot reach {self.server} ({self.reason})"


class Disconnected(ChattyError):
    """The connection ended for good: ``code`` is the WebSocket close code, ``reason`` its text."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(code, reason)

    def __str__(self) -> str:
        return f"disconnected: {self.reason or 'the server gave no reason'} ({self.code})"


class ProtocolError(ChattyError):
    """What answered at this address does not speak chatty's protocol; ``str(error)`` says what it said.

    Where it said that the server has another address, that is ``elsewhere``.
    """

    def __init__(self, said: str, *, elsewhere: str | None = None) -> None:
        self.elsewhere = elsewhere
        super().__init__(said)
