"""Hosts and origins, each in a single form, so that an operator's setting can be compared with a browser's header.

A host's form is its name in lower case, in ASCII (punycode) and without a dot at its end, or an address as
`ipaddress` writes it; an origin's port is always told, also where it is the one that its scheme has by default.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Container, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import idna

from chatty.server.settings import SettingError, Settings

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_SCHEMES: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WITH_PORT: Final = re.compile(r"(.*):([0-9]{0,5})")
_ANY: Final = "*."
_MOST: Final = 300
"""No host or origin is longer: a name has at most 253 characters. A header has up to 8 KiB, chosen by a stranger."""
_KEPT: Final = 256
"""Answers that are kept of each kind: a server is asked under few names, but for every request."""


class Host(NamedTuple):
    """A name or an address, and the port if there is one. In a setting ``*.name`` stands for every name below it."""

    name: str
    port: int | None = None


class Origin(NamedTuple):
    """Where a page comes from. ``port`` is None only where the scheme has none by default."""

    scheme: str
    name: str
    port: int | None


def host_of(text: str, *, wild: bool = False) -> Host | None:
    """A ``Host`` header; None for anything else. ``wild``: in a setting, where it may begin with ``*.``."""
    return _host_of(text, wild) if len(text) <= _MOST else None


@lru_cache(maxsize=_KEPT)
def _host_of(text: str, wild: bool) -> Host | None:
    both = None if _address(text) else _WITH_PORT.fullmatch(text)  # an IPv6 address ends like a port
    name, port = both.groups() if both else (text, "")
    if port and not 0 < int(port) < 65_536:
        return None
    below = _ANY if wild and name.startswith(_ANY) else ""
    form = _name(name.removeprefix(below)) or ("" if below else _address(name))
    return Host(below + form, int(port) if port else None) if form else None


def origin_of(text: str, *, wild: bool = False) -> Origin | None:
    """An ``Origin`` header; None for anything else, as for ``null``. ``wild`` as for `host_of`."""
    return _origin_of(text, wild) if len(text) <= _MOST else None


@lru_cache(maxsize=_KEPT)
def _origin_of(text: str, wild: bool) -> Origin | None:
    scheme, _, rest = text.partition("://")
    scheme, host = scheme.lower(), host_of(rest, wild=wild)
    if host is None or not _SCHEMES.fullmatch(scheme):
        return None
    return Origin(scheme, host.name, host.port or DEFAULT_PORTS.get(scheme))


def _address(text: str) -> str:
    """An IP address in its usual form, or nothing. IPv4 that comes over IPv6 (``::ffff:127.0.0.1``) is IPv4."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ipaddress.ip_address(inner)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _name(text: str) -> str:
    """A name in its one form, or nothing."""
    name = text.lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except UnicodeError:
            return ""
    name = name.removesuffix(".")
    labels = name.split(".")
    # A name that ends in a number is an address to browsers, and this one is written like none.
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or _NUMBER.fullmatch(labels[-1]):
        return ""
    return name


class AllowedHosts:
    """The hosts of a setting."""

    def __init__(self, setting: str) -> None:
        """Raises SettingError for an entry that can't be the host of any request."""
        self._hosts = frozenset(map(_allowed_host, _listed(setting)))

    def __bool__(self) -> bool:
        return bool(self._hosts)

    def __contains__(self, host: Host) -> bool:
        """Whether ``host`` is one of them. One without a port stands for all ports."""
        # A request to its scheme's own port doesn't name it, and the scheme is known to a proxy alone.
        ports = (None, host.port) if host.port else (None, *DEFAULT_PORTS.values())
        return any(Host(name, port) in self._hosts for name in _alike(host.name) for port in ports)


class AllowedOrigins:
    """The origins of a setting."""

    def __init__(self, setting: str) -> None:
        """Raises SettingError for an entry that can't be the origin of any page."""
        self._origins = frozenset(map(_allowed_origin, _listed(setting)))

    def __contains__(self, origin: Origin) -> bool:
        return any(origin._replace(name=name) in self._origins for name in _alike(origin.name))


def is_same(origin: Origin, host: Host, schemes: Container[str]) -> bool:
    """Whether a page of ``origin`` asks the very host and port that it came from, by the same one of ``schemes``."""
    default = DEFAULT_PORTS.get(origin.scheme)
    if default is None or origin.scheme not in schemes:
        return False
    return (origin.name, origin.port) == (host.name, host.port or default)


def _alike(name: str) -> Iterator[str]:
    """A name, and all that stand for it in a setting."""
    yield name
    while (dot := name.find(".")) >= 0:
        name = name[dot + 1 :]
        yield _ANY + name


def _listed(setting: str) -> Iterable[str]:
    return filter(None, map(str.strip, setting.split(",")))


def address_to_listen_on(text: str) -> str:
    """``--host`` in the system's form, without the brackets of IPv6. Raises SettingError for anything else."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    host = host_of(inner.partition("%")[0] if ":" in inner else inner)
    if host is None or host.port:
        meant = _host_within(text)
        hint = "write an address, such as 127.0.0.1, ::1 or (for all) 0.0.0.0"
        if meant and not meant.name.startswith(_ANY):
            hint = f"write --host {meant.name}" + (f" --port {meant.port}" if meant.port else "")
        raise SettingError(f"{text!r} (--host, CHATTY_HOST) is not an address to listen on", hint)
    return inner


def _allowed_host(text: str) -> Host:
    if host := host_of(text, wild=True):
        return host
    meant = _host_within(text)
    raise SettingError(
        f"{text!r} (--allowed-host, CHATTY_ALLOWED_HOST) is not a host",
        f"write {_written(meant)}" if meant else "write names, separated by commas: chat.example.org, *.example.org",
    )


def _allowed_origin(text: str) -> Origin:
    if origin := origin_of(text.removesuffix("/"), wild=True):  # which says nothing
        return origin
    scheme = text.partition("://")[0].lower() if "://" in text else "https"
    meant = _host_within(text) if text != "null" and _SCHEMES.fullmatch(scheme) else None
    raise SettingError(
        f"{text!r} (--allowed-origin, CHATTY_ALLOWED_ORIGIN) is not an origin",
        f"write {scheme}://{_written(meant)}"
        if meant
        else "write it as browsers do, without a path: https://chat.example.org",
    )


def _host_within(text: str) -> Host | None:
    """The host that was probably meant by something that isn't one."""
    try:
        host = urlsplit(text if "://" in text else f"//{text.removeprefix('//')}").netloc.rpartition("@")[2]
    except ValueError:
        return None
    return host_of(f"*{host}" if host.startswith(".") else host, wild=True)


def _written(host: Host) -> str:
    name = f"[{host.name}]" if ":" in host.name else host.name
    return f"{name}:{host.port}" if host.port else name


def check_hosts(settings: Settings) -> None:
    """Raise SettingError for a host or an origin that could never be compared with anything."""
    address_to_listen_on(settings.host)
    AllowedHosts(settings.allowed_host)
    AllowedOrigins(settings.allowed_origin)


def from_here(origin: str) -> str:
    """A server's origin as clients on this machine reach it."""
    return origin.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def known_as(origin: str, allowed_host: str) -> str:
    """A server's origin as people are told it: with TLS, under the first name of ``--allowed-host``.

    A certificate is for names, and hardly ever for an address of this machine.
    """
    names = [host for host in map(host_of, _listed(allowed_host)) if host]
    scheme, _, rest = from_here(origin).partition("://")
    if scheme != "https" or not names:
        return f"{scheme}://{rest}"
    port = names[0].port or int(rest.rpartition(":")[2])
    return f"https://{_written(Host(names[0].name, None if port == DEFAULT_PORTS['https'] else port))}"
