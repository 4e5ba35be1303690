"""Addresses of peers: which of them mean this machine, and how limits count the others."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from aiohttp import web


@lru_cache(maxsize=4096)  # asked for every connection, with few different answers
def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    address = _parsed(host.strip("[]"))
    return address is not None and address.is_loopback


@lru_cache(maxsize=4096)
def limited(peer: str) -> str:
    """A peer's address as limits count it: empty for loopback, and for IPv6 its /64, which is what one site gets."""
    address = _parsed(peer)
    if address is None:
        return peer or "unknown"
    if address.is_loopback:
        return ""
    return str(address) if address.version == 4 else str(ipaddress.IPv6Network((address, 64), strict=False))


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, or None if it is malformed. IPv4 that comes over IPv6 (``::ffff:127.0.0.1``) is IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def address_of(request: web.Request) -> str:
    """The peer's address as limits count it; empty for loopback, which has no limits.

    If a request was forwarded, it is a proxy that is on loopback, and the limits apply to it.
    """
    remote = request.remote or ""
    return limited(remote) or (remote if "X-Forwarded-For" in request.headers else "")
