"""The URL by which a client reached this server through proxies, according to the proxies' headers.

Anybody can send such headers, so they only affect what the sender itself gets to see.
"""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from chatty.server.origins import host_of

_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~!$&'()*+;=:@%-]+)+")
"""A path without empty parts, because ``//name`` would be another server's address."""


def is_secure(request: web.Request) -> bool:
    """Whether the client is known to use TLS."""
    return request.scheme == "https" or _nearest(request, "X-Forwarded-Proto").lower() == "https"


def base_path(request: web.Request) -> str:
    """The path under which a proxy serves this server, or an empty string."""
    parts = [part.strip().rstrip("/") for part in ",".join(request.headers.getall("X-Forwarded-Prefix", [])).split(",")]
    path = "".join(parts)  # each proxy adds its part, and the one nearest to the client comes first
    return path if _PREFIX.fullmatch(path) else ""


def base_url(request: web.Request) -> str:
    """The URL under which the client knows this server."""
    forwarded = _nearest(request, "X-Forwarded-Host")
    host = forwarded if host_of(forwarded) else request.host
    return f"{'https' if is_secure(request) else 'http'}://{host}{base_path(request)}"


def _nearest(request: web.Request, header: str) -> str:
    """The first value of a header to which every proxy adds one: that of the proxy nearest to the client."""
    return request.headers.get(header, "").partition(",")[0].strip()
