"""The configuration of nats-server: everything is synced before it is acknowledged, encrypted, and behind a password.

The passwords follow from the cluster's secret, so that peers with the same
secret let each other in.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from chatty.server.nats_server.peers import Peer
from chatty.server.platform.pipeline.log.jetstream.connection import SERVERS

USER: Final = "chatty"

_CONFIGURATION: Final = "nats-server.conf"
_LOG: Final = structlog.get_logger("chatty")


class Keys(Struct, frozen=True):
    """The passwords and the key that nats-server needs, each of which follows from the cluster's secret."""

    client: str
    routes: str
    system: str
    files: str

    @classmethod
    def derived(cls, derive: Callable[[str], bytes]) -> Keys:
        """``derive`` gives the key for each use of the secret."""
        return cls(*(derive(f"nats-server {field}").hex() for field in cls.__struct_fields__))


def write_configuration(directory: Path, own: Peer, peers: Mapping[str, Peer], keys: Keys) -> Path:
    """Write the configuration of ``own`` into ``directory``, which only the server's user can read. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / _CONFIGURATION
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    beside.touch(0o600, exist_ok=False)
    beside.write_text(configuration(directory, own, peers, keys, host=_listening(own)), "utf-8")
    beside.replace(path)
    return path


def configuration(directory: Path, own: Peer, peers: Mapping[str, Peer], keys: Keys, *, host: str) -> str:
    """The text of the configuration, for a server that listens on ``host`` and keeps its files in ``directory``."""
    return f"""\
# Written by chatty cluster serve at each start.
server_name: {_quoted(own.name)}
listen: {_quoted(f"{host}:{own.client_port}")}
logtime: false
max_payload: 2MB
max_control_line: 4KB
jetstream {{
  store_dir: {_quoted(str(directory))}
  sync_interval: always
  cipher: aes
  key: "{keys.files}"
  max_memory_store: 64MB
}}
accounts {{
  CHATTY {{
    jetstream: enabled
    users: [{{user: "{USER}", password: "{keys.client}"}}]
    imports: [{{service: {{account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ"}}, to: "{SERVERS}"}}]
  }}
  SYS {{
    users: [{{user: "system", password: "{keys.system}"}}]
    exports: [{{service: "$SYS.REQ.SERVER.PING.JSZ", response_type: stream, accounts: [CHATTY]}}]
  }}
}}
system_account: SYS
{_routes(own, peers, keys, host) if len(peers) > 1 else ""}"""


def _routes(own: Peer, peers: Mapping[str, Peer], keys: Keys, host: str) -> str:
    routes = "\n".join(
        f'    "nats-route://{USER}:{keys.routes}@{peer.host}:{peer.route_port}"'
        for peer in peers.values()
        if peer is not own
    )
    return f"""\
cluster {{
  name: chatty
  listen: {_quoted(f"{host}:{own.route_port}")}
  authorization {{user: "{USER}", password: "{keys.routes}", timeout: 5}}
  no_advertise: true
  routes: [
{routes}
  ]
}}
"""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _listening(own: Peer) -> str:
    """Where to listen: on the peer's address, or on all if that is not this machine's own, as behind a NAT."""
    host = own.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.bind(found[0][4])
    except OSError as error:
        _LOG.warning(
            "nats-server listens on all addresses, because that of --peers is not one of this machine",
            address=host, error=error.strerror or str(error),
        )  # fmt: skip
        return "0.0.0.0"  # noqa: S104 - its clients need the password
    return own.host
