"""Where a server is: one form for every spelling of its address."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

__all__ = ["ROOM_ID", "base_url", "origin", "room_path"]

ROOM_ID: Final = re.compile(r"[0-9A-Za-z]{27}")
"""A room's id, which is a KSUID."""

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_PORTS = {"http": 80, "https": 443}


def base_url(server: str) -> str:
    """The address that paths such as ``/v1/rooms`` are appended to: no trailing slash, ``http`` or ``https``.

    ``localhost:8080`` means ``http://localhost:8080``. A path is kept, for a
    server behind a proxy. Raises ValueError for what is no such address.
    """
    parts = _split(server)
    return _origin(parts) + parts.path.rstrip("/")


def origin(server: str) -> str:
    """``scheme://host:port`` of a server, the port always written: the same for all spellings of one address."""
    return _origin(_split(server), always_port=True)


def room_path(room_id: str, *rest: str) -> str:
    """``/v1/rooms/{id}/…``; an id that holds what paths cannot is escaped, so that it names no other address."""
    return "/".join(("/v1/rooms", quote(room_id, safe=""), *rest))


def _split(server: str) -> SplitResult:
    parts = urlsplit(server if "://" in server else f"http://{server}")
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{server!r} is no server's address; it looks like http://127.0.0.1:8080")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a server's address holds no user name and no password")
    return parts


def _origin(parts: SplitResult, *, always_port: bool = False) -> str:
    scheme = _SCHEMES[parts.scheme]
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    port = parts.port or _PORTS[scheme]
    return f"{scheme}://{host}:{port}" if always_port or port != _PORTS[scheme] else f"{scheme}://{host}"
