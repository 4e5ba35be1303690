"""What all HTTP handlers share: refusals as problems, who may ask, and bodies."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from chatty.errors import CODES, Refused
from chatty.protocol import Problem, encode
from chatty.server.business.entries import Rejection
from chatty.server.platform.node import Node
from chatty.server.settings import Settings

BODY_BYTES: Final = 128 * 1024
BODY_SECONDS: Final = 10.0
RESERVE: Final = 64
"""File descriptors that newcomers don't get: the store, its readers and the members' own need some."""

_READ: Final = ("Authorization", "Idempotency-Key", "Last-Event-ID", "Sec-WebSocket-Protocol", "Origin", "Host")
"""The headers that decide something here."""

_LOG = structlog.get_logger("chatty")
_BY_STATUS: Final = {
    404: "room_not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type",
    426: "upgrade_required",
}  # fmt: skip


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A struct as JSON."""
    return web.Response(body=encode(body), status=status, headers=headers, content_type="application/json")


def refused(rejection: Rejection) -> Refused:
    """A business refusal as the exception that handlers raise."""
    return Refused(rejection.code, rejection.message)


def problem(
    code: str, detail: str = "", *, status: int | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """A refusal over HTTP."""
    status = status or CODES[code].status
    title = code.replace("_", " ").capitalize()
    body = encode(Problem(title, status, detail or CODES[code].text, code))
    return web.Response(body=body, status=status, headers=headers, content_type="application/problem+json")


@lru_cache(maxsize=4096)  # asked for every connection, and the answers are few
def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return False


def address_of(request: web.Request) -> str:
    """The peer's address where limits apply to it; empty for loopback, which has none.

    A forwarded request shows that a proxy sits on loopback: then it is not exempt.
    """
    remote = request.remote or ""
    return "" if is_loopback(remote) and "X-Forwarded-For" not in request.headers else remote or "unknown"


def guard(node: Node) -> Middleware:
    """The one middleware: checks who may ask at all, and turns what was raised into problems."""
    may_ask = _host_check(node.settings)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVE

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        node.begun(request.protocol)
        try:
            if node.stopping:
                raise Refused("unavailable", "The server stops; try again in a moment.")
            if 0 < limit < _descriptor(request):
                raise Refused("busy")
            _check_encoding(request)
            may_ask(request)
            return await handler(request)
        except Refused as error:
            node.metrics.refusals[error.code] += 1
            headers = {"Retry-After": str(max(1, round(error.retry_after)))} if error.retry_after else {}
            if error.code == "upgrade_required":
                headers["Upgrade"] = "websocket"
            response = problem(error.code, error.message, status=error.status, headers=headers)
            if error.code == "busy":
                response.force_close()
            return response
        except web.HTTPException as error:
            if error.status < 400:
                raise
            code = _BY_STATUS.get(error.status, "bad_request")
            node.metrics.refusals[code] += 1
            detail = "There is nothing at this address." if error.status == 404 else ""
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return problem(code, detail, status=error.status, headers=allow)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one request's, and is reported
            node.report("a request failed", error)
            node.metrics.refusals["internal"] += 1
            return problem("internal")

    return guarded


def _check_encoding(request: web.Request) -> None:
    """Refuse what is no UTF-8 in the address and in the headers that are read: it can be neither hashed nor stored."""
    try:
        "".join([request.path_qs, *(request.headers.get(name, "") for name in _READ)]).encode()
    except UnicodeEncodeError:
        raise Refused("bad_request", "The address and the headers must be UTF-8.") from None


def _descriptor(request: web.Request) -> int:
    """The connection's file descriptor: the kernel gives the lowest free one, so it tells how many are open."""
    sock = request.transport.get_extra_info("socket") if request.transport else None
    return int(sock.fileno()) if sock is not None else 0


def _host_check(settings: Settings) -> Callable[[web.Request], None]:
    """Browsers are let in from where they should come: against rebinding and foreign pages."""
    local = is_loopback(settings.host)
    hosts = {host.strip().lower() for host in settings.allowed_host.split(",") if host.strip()}
    origins = {origin.strip().lower() for origin in settings.allowed_origin.split(",") if origin.strip()}

    def check(request: web.Request) -> None:
        host = _split(f"//{request.host}")[0]
        if (local or hosts) and host not in hosts and not (local and is_loopback(host)):
            raise Refused("not_allowed", f"This server does not answer to the host {host!r}; see --allowed-host.")
        origin = request.headers.get("Origin", "").lower()
        if not origin or origin in origins:
            return
        if _split(origin)[1] != request.host.lower():
            raise Refused("not_allowed", f"Pages of {origin!r} may not use this server; see --allowed-origin.")

    return check


def _split(url: str) -> tuple[str, str]:
    """A URL's host name alone, and with its port; both empty for what is no URL."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.netloc.lower()
    except ValueError:
        return "", ""


async def body_of(request: web.Request) -> bytes:
    """The request's body. Raises Refused when it does not come in time, or is no body."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise Refused("bad_request", "The request's body did not come in time.", status=408) from None
    except web.RequestPayloadError:
        raise Refused("bad_request", "The request's body is not what its headers say.") from None
