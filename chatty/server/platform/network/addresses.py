"""Addresses of clients: how limits count them, which mean this machine, and which a proxy may name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from aiohttp import web

from chatty.server.settings import SettingError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_HOPS: Final = 32
"""Addresses in a header that are looked at. More proxies than that don't stand in a row."""
_WITH_PORT: Final = re.compile(r"([0-9.]+)(?::[0-9]{1,5})?|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
_IPV4_IN_IPV6: Final = ipaddress.IPv6Network("::ffff:0:0/96")


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


def _parsed(text: str) -> Address | None:
    """An address, or None if it is malformed. IPv4 that comes over IPv6 (``::ffff:127.0.0.1``) is IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class TrustedProxies:
    """The proxies of a setting: of their clients' addresses they tell the truth."""

    def __init__(self, setting: str) -> None:
        """Raises SettingError for an entry that can't be the address of any proxy."""
        self._networks = tuple(map(_network, filter(None, map(str.strip, setting.split(",")))))

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, peer: str) -> bool:
        """Whether ``peer`` is one of them."""
        address = _parsed(peer) if self._networks else None
        return address is not None and self._hold(address)

    def _hold(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def overlap(self, network: Network) -> bool:
        """Whether any of them is in ``network``."""
        return any(one.version == network.version and one.overlaps(network) for one in self._networks)

    def client_of(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """The client's address, for a ``peer`` that is one of them and sent these ``X-Forwarded-For`` headers.

        Each proxy appends the address that it was asked from. So from the right,
        the first one that isn't a trusted proxy is the last one that was
        observed and not made up. If something else than an address comes before
        that, the proxy that passed it on counts as the client.
        """
        client = peer
        for text in islice(_from_the_right(forwarded_for), MOST_HOPS):
            address = _forwarded(text)
            if address is None:
                break
            client = str(address)
            if not self._hold(address):
                break
        return client


def bannable(address: str, proxies: TrustedProxies) -> str:
    """The prefix by which an address can be banned: as limits count it.

    Empty for what is not an address, and for those of this machine and of
    proxies: that would shut out everybody behind them.
    """
    prefix = address if "/" in address else limited(address)
    try:
        network = ipaddress.ip_network(prefix)
    except ValueError:
        return ""
    is_one = network.prefixlen == (32 if network.version == 4 else 64)
    return "" if not is_one or network.is_loopback or proxies.overlap(network) else prefix


TRUSTED_PROXIES: Final = web.AppKey("trusted_proxies", TrustedProxies)


def address_of(request: web.Request) -> str:
    """The client's address as limits count it; empty for loopback and the control socket, which have no limits.

    A request that was forwarded never comes from loopback: the address is that of the proxy, or it was loopback there.
    """
    if request.remote == "":  # a Unix socket
        return ""
    peer, forwarded_for = request.remote or "", request.headers.getall("X-Forwarded-For", ())
    proxies = request.app[TRUSTED_PROXIES]
    client = proxies.client_of(peer, forwarded_for) if forwarded_for and peer in proxies else peer
    return limited(client) or (client if forwarded_for else "")


def _from_the_right(headers: Sequence[str]) -> Iterator[str]:
    """The elements of a list that several headers of one name are, the last one first."""
    for header in reversed(headers):
        yield from reversed(header.split(","))


def _forwarded(text: str) -> Address | None:
    """An address as proxies write it, some with its port. None for anything else, such as ``unknown``."""
    text = text.strip()
    found = _WITH_PORT.fullmatch(text)
    return _parsed((found[1] or found[2]) if found else text)


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise SettingError(
            f"{text!r} (--trusted-proxy, CHATTY_TRUSTED_PROXY) is not an address or a network", _meant(text)
        ) from None
    if not network.prefixlen:
        raise SettingError(
            f"{text!r} (--trusted-proxy, CHATTY_TRUSTED_PROXY) would let all clients choose their addresses",
            "name the addresses or networks of your proxies alone",
        )
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_IPV4_IN_IPV6):
        inner = network.network_address.ipv4_mapped
        return ipaddress.IPv4Network((str(inner), network.prefixlen - 96))
    return network


def _meant(text: str) -> str:
    try:
        return f"write {ipaddress.ip_network(text, strict=False)}"
    except ValueError:
        address = _forwarded(text)
    if address is not None:
        return f"write {address}"
    return "write addresses or networks, separated by commas: 127.0.0.1, 10.0.0.0/8, 2001:db8::/32"
