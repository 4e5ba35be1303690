"""Where a server is: one form for every spelling of its address.

A cluster is one server with several addresses, one for each node, which are
written with commas between them. The first one says which server it is, so it
stays the first, whichever nodes come and go.
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

__all__ = [
    "ROOM_ID",
    "base_url",
    "base_urls",
    "canonical_url",
    "first_of",
    "ip_address",
    "is_this_machine",
    "origin",
    "room_path",
    "shares_address",
]

ROOM_ID: Final = re.compile(r"[0-9A-Za-z]{27}")
"""A room's id, which is a KSUID."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that lead to the same server. Others of this machine (``127.0.0.2``, ``chat.localhost``) may lead elsewhere."""

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_PORTS = {"http": 80, "https": 443}


def base_url(server: str) -> str:
    """The address that paths such as ``/v1/rooms`` are appended to: no trailing slash, ``http`` or ``https``.

    ``localhost:8080`` means ``http://localhost:8080``. A path is kept, for a
    server behind a proxy. Raises ValueError for anything but such an address.
    """
    parts = _split(server)
    return _origin(parts.scheme, parts.hostname or "", parts.port) + parts.path.rstrip("/")


def base_urls(server: str) -> list[str]:
    """The `base_url` of each of a server's addresses, without repetition. Raises ValueError like that."""
    return list(dict.fromkeys(base_url(address.strip()) for address in server.split(",")))


def first_of(server: str) -> str:
    """The first of a server's addresses: the one that says which server it is."""
    return server.partition(",")[0].strip()


def shares_address(one: str, other: str) -> bool:
    """Whether two servers have an address in common, however it is spelled. Raises ValueError like `base_url`."""
    return not {*map(canonical_url, one.split(","))}.isdisjoint(map(canonical_url, other.split(",")))


def origin(server: str) -> str:
    """``scheme://host:port`` of a server, the same for every spelling that leads to it, with the port always written.

    It identifies a server, but isn't always the address to connect to: all
    names of this machine become ``127.0.0.1``, even if the server listens on
    ``::1``. Of several addresses, it is the first one's. Raises ValueError like `base_url`.
    """
    parts = _split(first_of(server))
    scheme = _SCHEMES[parts.scheme]
    return _origin(scheme, _canonical(parts.hostname or ""), parts.port or _PORTS[scheme], always_port=True)


def canonical_url(server: str) -> str:
    """`origin` with the path that a server has behind a proxy: two servers are one if these are equal."""
    return origin(server) + _split(first_of(server)).path.rstrip("/")


def is_this_machine(host: str) -> bool:
    """Whether ``host``, as in an address, always means the machine that it is used on. The name is not looked up."""
    name = host.lower().removesuffix(".")
    address = ip_address(name)
    if address is not None:
        return address.is_loopback or address.is_unspecified
    return name == "localhost" or name.endswith(".localhost")


def ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that ``host`` is, in its shortest form; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def room_path(room_id: str, *rest: str) -> str:
    """``/v1/rooms/{id}/…``; characters that can't be in a path are escaped, so the id can't lead to another address."""
    return "/".join(("/v1/rooms", quote(room_id, safe=""), *rest))


def _split(server: str) -> SplitResult:
    parts = urlsplit(server if "://" in server else f"http://{server}")
    labels = (parts.hostname or "").removesuffix(".").split(".")
    if parts.scheme not in _SCHEMES or "" in labels or parts.query or parts.fragment:
        raise ValueError(f"{server!r} is not a server's address, which looks like http://127.0.0.1:8080")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a server's address has no user name and no password in it")
    return parts


def _origin(scheme: str, host: str, port: int | None, *, always_port: bool = False) -> str:
    scheme = _SCHEMES[scheme]
    if ":" in host:
        host = f"[{host}]"
    port = port or _PORTS[scheme]
    return f"{scheme}://{host}:{port}" if always_port or port != _PORTS[scheme] else f"{scheme}://{host}"


def _canonical(host: str) -> str:
    """One spelling for all that mean the same host; ``host`` is in lower case."""
    host = host.removesuffix(".")
    host = str(ip_address(host) or host)
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    return "127.0.0.1" if host in _LOOPBACK else host
