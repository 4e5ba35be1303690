"""The listening socket, and the aiohttp application behind it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from aiohttp import web

from chatty.server.origins import address_to_listen_on
from chatty.server.platform.network.access.cluster import ClusterHandlers
from chatty.server.platform.network.access.control import control_socket
from chatty.server.platform.network.access.deletions import DeletionHandlers
from chatty.server.platform.network.access.invitations import InvitationHandlers
from chatty.server.platform.network.access.moderation import ModerationHandlers
from chatty.server.platform.network.access.passwords import Hashing
from chatty.server.platform.network.access.routes import Route, add_routes
from chatty.server.platform.network.access.sign_in import SignInHandlers
from chatty.server.platform.network.access.tokens import TokenHandlers
from chatty.server.platform.network.addresses import TRUSTED_PROXIES, TrustedProxies
from chatty.server.platform.network.connections import Connection
from chatty.server.platform.network.guard import guard, response_headers
from chatty.server.platform.network.handshake import Handshake
from chatty.server.platform.network.http_messages import ChangeHandlers
from chatty.server.platform.network.probes import Probes
from chatty.server.platform.network.reading import Reading
from chatty.server.platform.network.responses import BODY_BYTES
from chatty.server.platform.network.rooms import RoomHandlers
from chatty.server.platform.network.tls.certificate import Certificate
from chatty.server.platform.network.tls.transport import TlsTransport
from chatty.server.platform.network.watching import Watch
from chatty.server.platform.pipeline.node import Node
from chatty.server.settings import SettingError
from chatty.server.surroundings.best_effort import attempt

BACKLOG: Final = 2048
SEND_BUFFER: Final = 128 * 1024
"""A socket's kernel buffer, in bytes: without a bound it holds megabytes for a reader that stalls."""
RECEIVE_BUFFER: Final = 32 * 1024
"""The same for receiving: all of it is read in one turn of the loop, so it bounds a flooder's share."""

_OPTIONS: Final = (
    ("an address that is free again at once", socket.SO_REUSEADDR, 1),
    ("bounded send buffers", socket.SO_SNDBUF, SEND_BUFFER),
    ("bounded receive buffers", socket.SO_RCVBUF, RECEIVE_BUFFER),
    ("noticing peers that are gone", socket.SO_KEEPALIVE, 1),
)
"""Of the listening socket; accepted ones inherit them."""


@contextlib.asynccontextmanager
async def listening(node: Node, certificate: Certificate | None) -> AsyncIterator[str]:
    """Serve HTTP, with a ``certificate`` over TLS, and over the control socket; gives the server's origin."""
    settings = node.settings
    async with accepting(node) as new_connection:
        listener = _listen(address_to_listen_on(settings.host), settings.port)

        def newcomer() -> asyncio.Protocol:
            connection = new_connection()
            return TlsTransport(certificate.context, connection) if certificate else connection

        server = await node.loop.create_server(newcomer, sock=listener, backlog=BACKLOG)
        host, port = listener.getsockname()[:2]
        try:
            yield f"{'https' if certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
        finally:
            server.close()


@contextlib.asynccontextmanager
async def accepting(node: Node) -> AsyncIterator[Callable[[], Connection]]:
    """The application, which also serves the control socket; gives what makes its other connections."""
    watch = Watch(node)
    app = web.Application(middlewares=[watch.middleware, guard(node)], client_max_size=BODY_BYTES)
    app[TRUSTED_PROXIES] = proxies = TrustedProxies(node.settings.trusted_proxy)
    app.on_response_prepare.append(response_headers(node.settings))
    app.on_response_prepare.append(watch.prepared)
    rooms = RoomHandlers(node)
    sign_in = SignInHandlers(node, rooms.may_post)
    app.cleanup_ctx.append(sign_in.begin)
    add_routes(app, node, routes(node, rooms, sign_in), Reading(node))
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.5)
    await runner.setup()
    accept = runner.server
    assert accept is not None
    connection = partial(Connection, node, accept, proxies)
    try:
        async with control_socket(node, partial(connection, is_operator=True)):
            yield connection
    finally:
        await runner.cleanup()


def routes(node: Node, rooms: RoomHandlers, sign_in: SignInHandlers) -> list[Route]:
    """Everything that can be asked for."""
    hashing = Hashing()
    handlers = (
        Handshake(node), rooms, ChangeHandlers(node, rooms), Probes(node), TokenHandlers(node, rooms.may_post),
        ModerationHandlers(node, rooms.may_post, hashing), InvitationHandlers(node, rooms.may_post, hashing), sign_in,
        DeletionHandlers(node, rooms.may_post), ClusterHandlers(node),
    )  # fmt: skip
    return [route for one in handlers for route in one.routes()]


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        for feature, option, value in _OPTIONS:
            attempt(feature, partial(listener.setsockopt, socket.SOL_SOCKET, option, value))
        listener.bind(address)
    except OSError as error:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise SettingError(
            f"cannot listen on {where} ({(error.strerror or str(error)).lower()})",
            "stop what listens there, or choose another --port"
            if error.errno == errno.EADDRINUSE
            else "choose another --host or --port",
        ) from error
    return listener
