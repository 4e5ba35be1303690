"""The address by which a client reached a server behind proxies, as the proxies tell it in their headers.

Anybody can send such headers. So they decide nothing but what the caller alone is told.
"""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from chatty.server.origins import host_of

_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~!$&'()*+;=:@%-]+)+")
"""A path, of which no part is empty: ``//name`` would be another server's address."""


def is_secure(request: web.Request) -> bool:
    """Whether the client is known to have come by TLS."""
    return request.scheme == "https" or _nearest(request, "X-Forwarded-Proto").lower() == "https"


def base_path(request: web.Request) -> str:
    """The path under which a proxy offers this server; empty for none."""
    parts = [part.strip().rstrip("/") for part in ",".join(request.headers.getall("X-Forwarded-Prefix", [])).split(",")]
    path = "".join(parts)  # each proxy adds its own, and the client's is the first
    return path if _PREFIX.fullmatch(path) else ""


def base_url(request: web.Request) -> str:
    """The URL under which the client knows this server."""
    forwarded = _nearest(request, "X-Forwarded-Host")
    host = forwarded if host_of(forwarded) else request.host
    return f"{'https' if is_secure(request) else 'http'}://{host}{base_path(request)}"


def _nearest(request: web.Request, header: str) -> str:
    """Of a list to which each proxy may have added, the one nearest to the client: the first."""
    return request.headers.get(header, "").partition(",")[0].strip()
