"""The machines of a cluster, as its operator names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from chatty.server.settings import SettingError

CLIENT_PORT: Final = 4222
ROUTE_PORT: Final = 6222
MOST_PEERS: Final = 9

_FORM: Final = "--peers is a=10.0.0.1,b=10.0.0.2,c=10.0.0.3, the same on each machine"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_ADDRESS: Final = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<client>\d{1,5})(:(?P<route>\d{1,5}))?)?"
)


class Peer(Struct, frozen=True):
    """A machine: its name, and where its server of NATS listens for nodes and for the other servers of NATS."""

    name: str
    host: str
    """A name or an address; one of IPv6 is in brackets."""
    client_port: int = CLIENT_PORT
    route_port: int = ROUTE_PORT


def peers_of(text: str) -> Mapping[str, Peer]:
    """The peers that ``a=HOST,b=HOST:CLIENT:ROUTE`` names, by name. Raises SettingError."""
    peers: dict[str, Peer] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, found, address = part.partition("=")
        if not found:
            raise SettingError(f"{part!r} is not NAME=ADDRESS", _FORM)
        if name in peers:
            raise SettingError(f"two peers are called {name!r}", _FORM)
        peers[name] = _peer(name, address)
    if not peers:
        raise SettingError("a cluster needs --peers", _FORM)
    if len(peers) > MOST_PEERS:
        raise SettingError(f"{len(peers)} peers are too many", f"choose up to {MOST_PEERS}; three are usual")
    places = {(peer.host, port) for peer in peers.values() for port in (peer.client_port, peer.route_port)}
    if len(places) < 2 * len(peers):
        raise SettingError("two peers have the same address", "on one machine, they need ports: a=HOST:4222:6222")
    return peers


def _peer(name: str, address: str) -> Peer:
    if not _NAME.fullmatch(name):
        raise SettingError(f"{name!r} cannot be a peer's name", "take up to 32 letters, digits, - and _")
    found = _ADDRESS.fullmatch(address)
    ports = [int(port) for port in (found["client"], found["route"]) if port] if found else []
    if found is None or not all(0 < port < 65_536 for port in ports):
        raise SettingError(f"{address!r} is not the address of a peer", "write HOST or HOST:PORT:ROUTE_PORT")
    return Peer(name, found["host"], *ports)


def urls(peers: Mapping[str, Peer], first: str, user: str, password: str) -> str:
    """The servers of NATS for `Settings.log`, that of the peer ``first`` before the others."""
    ordered = sorted(peers.values(), key=lambda peer: peer.name != first)
    return ",".join(f"nats://{user}:{password}@{peer.host}:{peer.client_port}" for peer in ordered)
