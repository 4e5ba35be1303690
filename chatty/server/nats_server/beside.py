"""The server of NATS beside a node of a cluster: one on each machine, of which the operator only names the machines."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from msgspec.structs import replace

from chatty.server.nats_server.configuration import USER, Keys, write_configuration
from chatty.server.nats_server.peers import peers_of, urls
from chatty.server.nats_server.process import NatsServer
from chatty.server.platform.pipeline.log.jetstream.connection import derived, secret_of
from chatty.server.platform.store.data_directory import locked
from chatty.server.settings import SettingError, Settings

DIRECTORY: Final = "nats"
"""Its part of the data directory."""
REPLICAS: Final = 3

_LOG: Final = structlog.get_logger("chatty")


def reaching(settings: Settings, peers: str) -> Settings:
    """``settings`` with the log of the cluster that ``peers`` name, if they do. Raises SettingError."""
    if not peers:
        return settings
    found, keys = peers_of(peers), Keys.derived(partial(derived, secret_of(settings.secret_file)))
    log = urls(found, next(iter(found)), USER, keys.client)
    return replace(settings, log=log, replicas=min(REPLICAS, len(found)))


class Beside:
    """The server of NATS of the peer ``settings.node`` among ``peers``, and the node's ``settings`` with it.

    Raises SettingError.
    """

    def __init__(self, program: Path, settings: Settings, peers: str) -> None:
        secret = secret_of(settings.secret_file)
        self._program, self._peers = program, peers_of(peers)
        if settings.node not in self._peers:
            raise SettingError(f"--name {settings.node} is not among --peers", f"choose {', '.join(self._peers)}")
        self._keys = Keys.derived(partial(derived, secret))
        log = urls(self._peers, settings.node, USER, self._keys.client)
        self.settings = replace(settings, log=log, replicas=min(REPLICAS, len(self._peers)))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it meanwhile. Raises SettingError."""
        directory = self.settings.data / DIRECTORY
        with locked(directory):
            own = self._peers[self.settings.node]
            try:
                configuration = write_configuration(directory, own, self._peers, self._keys)
            except OSError as error:
                raise SettingError(f"cannot write to {directory} ({error.strerror})", "see its permissions") from error
            if len(self._peers) < REPLICAS:
                _LOG.warning(
                    "no machine may be lost: if one is down, the server is, and its disk may be the only one",
                    peers=len(self._peers), hint="take three machines",
                )  # fmt: skip
            async with NatsServer(self._program, configuration).running():
                yield
