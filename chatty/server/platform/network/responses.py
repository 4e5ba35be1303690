"""Shared by all HTTP handlers: JSON answers, refusals as problem documents, and reading bodies."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Final

from aiohttp import web
from msgspec import UNSET

from chatty.credentials import masked
from chatty.errors import CODES, Refused
from chatty.protocol import Problem, encode
from chatty.server import request_ids
from chatty.server.business.entries import Rejection

BODY_BYTES: Final = 128 * 1024
BODY_SECONDS: Final = 10.0

EVERY_RESPONSE: Final = {
    "Cache-Control": "no-store",  # it is true now, and only for this client
    "X-Content-Type-Options": "nosniff",  # a browser must not take somebody's message for a page or a script
    "Referrer-Policy": "no-referrer",  # addresses contain room ids, which are keys
}
"""Headers of every response, as OWASP's REST Security Cheat Sheet recommends for APIs."""

_QUOTED: Final = re.compile(r"^(Invalid (?:enum )?value) '.*'", re.DOTALL)
_TITLES: Final = {413: "Content Too Large"}
"""Phrases of RFC 9110 that Python 3.11 has in an older form."""


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A struct as JSON."""
    return web.Response(body=encode(body), status=status, headers=headers, content_type="application/json")


def unfit(error: ValueError | RecursionError) -> str:
    """What is wrong with a text that msgspec could not decode. A value that it quotes is left out: it may be secret."""
    return _QUOTED.sub(r"\1", str(error))


def refused(rejection: Rejection) -> Refused:
    """A business refusal as the exception that handlers raise."""
    return Refused(rejection.code, rejection.message, retry_after=rejection.wait / 1000 or None)


def problem(
    code: str, detail: str = "", *, status: int | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """A refusal over HTTP: a problem document without a type of its own, as RFC 9457 (4.2.1) wants it to be titled."""
    status = status or CODES[code].status
    detail = masked(detail) or CODES[code].text
    request_id = request_ids.current() if status >= 500 else ""
    body = encode(Problem(_TITLES.get(status) or HTTPStatus(status).phrase, status, detail, code, request_id or UNSET))
    return web.Response(body=body, status=status, headers=headers, content_type="application/problem+json")


async def body_of(request: web.Request) -> bytes:
    """The request's body. Raises Refused when it does not come in time or is malformed."""
    if (request.content_length or 0) > BODY_BYTES:
        raise Refused("too_large")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise Refused("bad_request", "The request's body did not come in time.", status=408) from None
    except web.RequestPayloadError:
        raise Refused("bad_request", "The request's body does not match its headers.") from None
