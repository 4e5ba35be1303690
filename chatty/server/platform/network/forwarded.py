"""The URL by which a client reached this server through proxies, according to the proxies' headers.

Anybody can send such headers. So what the sender itself gets to see may follow
them, but a check may rely only on those of a trusted proxy.
"""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from chatty.server.origins import Host, host_of
from chatty.server.platform.network.addresses import TRUSTED_PROXIES

_WHOLE_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~!$&'()*+;=:@%-]+)+")
"""A path without empty parts, because ``//name`` would be another server's address."""


HTTP: Final = frozenset({"http"})
HTTPS: Final = frozenset({"https"})
BOTH: Final = HTTP | HTTPS


def host_asked(request: web.Request) -> str:
    """The host that the client asked. A target that is a whole URL goes before the header (RFC 9112, 3.2.2)."""
    whole = _WHOLE_URL.match(request.raw_path)
    return whole[1] if whole else request.host


def schemes_of(request: web.Request, host: Host | None) -> frozenset[str]:
    """The schemes by which the client may have asked for ``host``: one, unless there may be a proxy that isn't known.

    What an unknown proxy says may rule out a scheme, but prove none: anybody could say it.
    """
    proxies, said = request.app[TRUSTED_PROXIES], _scheme_said(request)
    if request.scheme == "https":
        return HTTPS
    if proxies:
        if (request.remote or "") not in proxies:
            return HTTP
        return BOTH & {said} or BOTH
    schemes = HTTPS if said == "https" else BOTH
    here = request.transport.get_extra_info("sockname") if request.transport else None
    # A client that names this very port has nothing in between that could speak TLS.
    return schemes - HTTPS if host is not None and here and host.port == here[1] else schemes


def _is_secure(request: web.Request) -> bool:
    """Whether the client uses TLS, as far as can be told without trusting anybody."""
    return request.scheme == "https" or _scheme_said(request) == "https"


def _scheme_said(request: web.Request) -> str:
    return _nearest(request, "X-Forwarded-Proto").lower()


def base_path(request: web.Request) -> str:
    """The path under which a proxy serves this server, or an empty string."""
    parts = [part.strip().rstrip("/") for part in ",".join(request.headers.getall("X-Forwarded-Prefix", [])).split(",")]
    path = "".join(parts)  # each proxy adds its part, and the one nearest to the client comes first
    return path if _PREFIX.fullmatch(path) else ""


def base_url(request: web.Request) -> str:
    """The URL under which the client knows this server."""
    forwarded = _nearest(request, "X-Forwarded-Host")
    host = forwarded if host_of(forwarded) else host_asked(request)
    return f"{'https' if _is_secure(request) else 'http'}://{host}{base_path(request)}"


def _nearest(request: web.Request, header: str) -> str:
    """The first value of a header to which every proxy adds one: that of the proxy nearest to the client."""
    return request.headers.get(header, "").partition(",")[0].strip()
