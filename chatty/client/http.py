"""A server by HTTP, and the rooms that are joined by the same connections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from chatty.client.identity import Credential, new_secret
from chatty.client.network.tls import CaCert, trusting
from chatty.client.nodes import Sessions
from chatty.client.requests import Requests
from chatty.protocol import CreatedRoom

if TYPE_CHECKING:
    from chatty.client.room import Room
    from chatty.client.states import State

__all__ = ["Http", "create_room"]


class Http(Requests):
    """A server's HTTP interface, as an async context manager.

        async with Http("http://127.0.0.1:8080") as http:
            room = await http.create_room("deploys")

    ``key`` identifies the client (see `chatty.client.identity.derive_key`). Where
    everybody may read and create rooms, that needs none. A message can only be
    edited with the key that sent it. The key may be a token, or a function that
    gives one, such as a `chatty.client.identity.TokenFile`, which is asked with
    each request, and once more if the server doesn't accept the token.

    ``cacert`` is a file with the certificates of the authorities that may
    vouch for an ``https`` server, instead of those that the system trusts; or
    an `ssl.SSLContext` of the program's own. A server that is not on this
    machine is asked by way of the proxy that ``HTTPS_PROXY`` or ``HTTP_PROXY``
    names, unless ``NO_PROXY`` excepts it. ``socket`` is the path of a Unix
    socket that leads to the server.

    A request that only reads waits as long as the server asks for, at most a
    minute, if too many came before it.

    Every method raises `Refused` where the server says no, `Unreachable` where
    nothing answers, and `ProtocolError` where something else than chatty does.
    Raises ValueError if ``server`` is not an address or ``cacert`` holds no
    certificate, and OSError if ``cacert`` can't be read.
    """

    def __init__(
        self, server: str, *, key: Credential | None = None, cacert: CaCert = None, socket: str | None = None
    ) -> None:
        tls = trusting(cacert)
        super().__init__(server, key=key, cacert=tls, socket=socket)
        self._lasting = bool(key)  # whether its rooms are the same client in another run
        self._room_key = key or new_secret()
        self._room_sessions = self._sessions if key else Sessions(self._room_key, tls, socket=socket)
        self._tls = tls

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        await self._room_sessions.close()

    def join(
        self,
        room_id: str,
        *,
        name: str | None = None,
        participate: bool = True,
        since: int | None = None,
        epoch: str | None = None,
        last: int | None = None,
        producer: str | None = None,
        patience: float | None = None,
        transient: float = 30.0,
        on_state: Callable[[State], None] | None = None,
        journal: Path | None = None,
    ) -> Room:
        """A room as `chatty.join` gives one, with the key and the connections of this `Http`; leave it before this.

            async with chatty.Http(server, key=key) as http:
                async with http.join(a, name="bot") as one, http.join(b, name="bot") as two:
                    ...

        Without a ``key``, the rooms share one of their own, which lasts as long as this `Http` does.
        """
        from chatty.client.link import LinkOptions
        from chatty.client.room import made

        self._check_entered()
        if journal is not None and not self._lasting:
            raise ValueError("a journal needs a key: without one, the next run is somebody else")
        options = LinkOptions(
            server=str(self._nodes),
            room_id=room_id,
            key=self._room_key,
            name=name,
            participate=participate,
            patience=patience,
            transient=transient,
            tls=self._tls,
            sessions=self._room_sessions,
        )
        return made(options, since=since, epoch=epoch, last=last, producer=producer, on_state=on_state, journal=journal)


async def create_room(
    server: str, name: str, *, topic: str = "", expires_in: float | None = None, cacert: CaCert = None
) -> CreatedRoom:
    """Creates a room at ``server``; see `Http.create_room`, and `Http` for ``cacert``."""
    async with Http(server, cacert=cacert) as http:
        return await http.create_room(name, topic=topic, expires_in=expires_in)
