"""Every HTTP request has an id, which its answer and everything that is logged meanwhile bear."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from typing import Final

from chatty import credentials

HEADER: Final = "X-Request-ID"

_VALID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}")
_CURRENT: Final = ContextVar("request_id", default="")


def begin(given: str) -> str:
    """Begin a request in this context: with the id that was ``given``, by a proxy or the client, or else a new one."""
    is_valid = _VALID.fullmatch(given) and not credentials.is_shown_in(given)  # what is logged must not be secret
    chosen = given if is_valid else secrets.token_hex(8)
    _CURRENT.set(chosen)
    return chosen


def current() -> str:
    """The id of the request that is being answered in this context; empty outside of one."""
    return _CURRENT.get()
