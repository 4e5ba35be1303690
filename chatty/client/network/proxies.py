"""Which proxy leads to a server: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, which all programs understand alike, nearly."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from chatty.client.network.address import ip_address, is_this_machine

__all__ = ["UnusableProxy", "proxy_for", "without_credentials"]


class UnusableProxy(ValueError):
    """A variable names a proxy of a kind that chatty doesn't speak to."""


def proxy_for(server: str) -> str | None:
    """The URL of the proxy that leads to ``server``, which is a base URL; None: none does.

    A server on this machine is never behind one. Raises UnusableProxy.
    """
    parts = urlsplit(server)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    variables = getproxies_environment()
    proxy = variables.get(parts.scheme, "")
    if not proxy or is_this_machine(host) or _is_excepted(host, port, variables.get("no", "")):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        usable = urlsplit(proxy).scheme == "http" and urlsplit(proxy).hostname is not None
        _ = urlsplit(proxy).port
    except ValueError:
        usable = False
    if not usable:
        raise UnusableProxy(
            f"{parts.scheme.upper()}_PROXY is {without_credentials(proxy)}, and chatty speaks to http:// proxies only"
        )
    return proxy


def without_credentials(proxy: str) -> str:
    """``proxy`` as it may be shown."""
    scheme, _, rest = proxy.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _is_excepted(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``no_proxy`` lists ``host``: names, which mean those below them too, addresses and networks, or ``*``."""
    return any(_covers(entry.lower(), host, port) for entry in no_proxy.replace(",", " ").split())


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    address = ip_address(host)
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            pass  # perhaps it has a port
    name, colon, digits = entry.rpartition(":")
    if colon and digits.isdecimal():
        if int(digits) != port:
            return False
        entry = name
    if address is not None:
        return ip_address(entry.strip("[]")) == address
    entry = entry.removeprefix("*").removeprefix(".").removesuffix(".")
    host = host.removesuffix(".")
    return host == entry or (entry != "" and host.endswith(f".{entry}"))
