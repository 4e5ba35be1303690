"""The composition root: settings → log → store → hub → aiohttp application, and the life of the process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import re
import resource
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

import structlog
from aiohttp import web

from chatty.errors import Refused
from chatty.protocol import PORT, ROOM_NAME_POINTS, Close, NewRoom
from chatty.server import structured_logging as logs
from chatty.server.business.entries import Probe, Rejection, StartNode
from chatty.server.business.names import check_room_name
from chatty.server.origins import address_to_listen_on, check_hosts
from chatty.server.platform.network.connections import Connection, is_loopback
from chatty.server.platform.network.guard import guard, response_headers
from chatty.server.platform.network.handshake import Handshake
from chatty.server.platform.network.http_messages import ChangeHandlers
from chatty.server.platform.network.responses import BODY_BYTES, problem
from chatty.server.platform.network.rooms import RoomHandlers
from chatty.server.platform.pipeline import housekeeping as keeper
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.log.local import LocalLog
from chatty.server.platform.pipeline.metrics import Metrics
from chatty.server.platform.pipeline.node import NODE, Node
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.data_directory import DATABASE, check_that_it_is_there, locked
from chatty.server.platform.store.reads import Reads
from chatty.server.platform.store.search import Search
from chatty.server.settings import SETTINGS, SettingError, Settings

BACKLOG: Final = 2048
SEND_BUFFER: Final = 128 * 1024
"""A socket's kernel buffer, in bytes: without a bound it holds megabytes for a reader that stalls."""
RECEIVE_BUFFER: Final = 32 * 1024
"""The same for what was sent to us: all of it is read in one turn of the loop, so it bounds a flooder's share."""

STOP_SECONDS: Final = 3.0
SWITCH_SECONDS: Final = 0.001

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LOG = structlog.get_logger("chatty")


class NamedRoom(NamedTuple):
    """A room that shall exist, and now does. ``owner_token`` is its owner's if it was made just now."""

    id: str
    name: str
    server: str
    owner_token: str | None


Remember = Callable[[NamedRoom], bool]
"""Keeps a room for whoever serves it; says whether that person's commands find it by its name."""


def run(settings: Settings, rooms: Sequence[str], remember: Remember) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. ``rooms`` are names of rooms that shall exist.

    Raises SettingError or StoreError, both with a hint, when it can't start.
    """
    check(settings, rooms)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)  # it was closed, and is open on nothing now
    logs.set_up(settings.log_level, settings.log_format, sys.stderr)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # The writer thread should not wait 5 ms for its turn; nor should start-up's objects be looked at again.
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    with runner:
        return runner.run(_serve(settings, rooms, remember))


async def _serve(settings: Settings, rooms: Sequence[str], remember: Remember) -> int:
    stop: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    def end(error: BaseException | None = None) -> None:
        if not stop.done():
            stop.set_result(error)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    with locked(settings.data) as lock:
        store = Store(settings.data / DATABASE, on_error=lambda error: node.report("a rule failed", error))
        check_that_it_is_there(store.path, lock)
        store.open()
        if not lock.tell():
            with contextlib.suppress(OSError):  # on a full disk what is stored can still be read
                os.write(lock.fileno(), b"There is a database beside this file, or its loss is to be noticed.\n")
        node = Node(settings, secrets.token_hex(8), Reads(store.path), Hub(), Metrics())
        node.search = Search(store.path)
        node.log = LocalLog(store, node, on_fatal=end)
        begin = StartNode("", node.now(), NODE, node.incarnation)
        if isinstance(await node.log.commit(begin), Rejection):  # on a full disk there is nothing new before this is
            node.propose_until_accepted(begin)
        for absence in await node.reads.away():
            node.await_return(*absence)
        async with _listening(node) as origin:
            await _announce(node, origin, rooms, remember)
            keepers = [
                asyncio.create_task(keeper.keep_connections(node)),
                asyncio.create_task(keeper.keep_streams(node)),
                asyncio.create_task(keeper.keep_rooms(node, settings.retain_events, _age_ms(settings.retain_age))),
            ]
            for task in keepers:
                task.add_done_callback(lambda done: None if done.cancelled() else end(done.exception()))
            fault = await stop
            for task in keepers:
                task.cancel()
            if fault is not None:
                _fail(fault)
            _LOG.info("stopping", connections=len(node.sessions))
            node.stopping = True
            await _close_connections(node)
        # Last of all the writer: whoever closes last removes the WAL.
        node.reads.close()
        await node.search.close()
        await node.log.close()
    _LOG.info("stopped")
    return 0


def _fail(fault: BaseException) -> None:
    """End at once: nothing may be said any more, not even by a destructor that means well."""
    hint = getattr(fault, "hint", "see the log")
    try:
        _LOG.error("the server cannot go on", error=str(fault) or type(fault).__name__, hint=hint, exc_info=fault)
        sys.stderr.write(f"error: {fault}\nhint:  {hint}\n")
        sys.stderr.flush()
    finally:
        os._exit(1)  # also where it can't be said


async def _close_connections(node: Node) -> None:
    """Tell everybody that the server stops, and don't wait for whoever doesn't listen."""
    for session in list(node.sessions):
        session.cut(Close.GOING_AWAY)
    for stream in list(node.streams):
        stream.cut(Close.GOING_AWAY)
    await node.settled(STOP_SECONDS)
    for session in list(node.sessions):
        if session.connection is not None:
            session.connection.abort()


@contextlib.asynccontextmanager
async def _listening(node: Node) -> AsyncIterator[str]:
    """Serve HTTP; gives the origin at which."""
    settings = node.settings
    app = web.Application(middlewares=[guard(node)], client_max_size=BODY_BYTES)
    app.on_response_prepare.append(response_headers(settings))
    rooms = RoomHandlers(node)
    app.add_routes([*Handshake(node).routes(), *rooms.routes(), *ChangeHandlers(node, rooms).routes(), *_probes(node)])
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.5)
    await runner.setup()
    accept = runner.server
    assert accept is not None
    listener = _listen(address_to_listen_on(settings.host), settings.port)
    server = await node.loop.create_server(lambda: Connection(node, accept), sock=listener, backlog=BACKLOG)
    host, port = listener.getsockname()[:2]
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        server.close()
        await runner.cleanup()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # accepted sockets inherit it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
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


def _probes(node: Node) -> list[web.RouteDef]:
    async def alive(_: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.StreamResponse:
        if node.stopping:
            return problem("unavailable", "The server stops.")
        try:
            async with asyncio.timeout(2):
                outcome = await node.log.commit(Probe("", node.now()))
        except TimeoutError:
            outcome = Rejection("unavailable")
        if isinstance(outcome, Rejection):
            return problem("unavailable", "The log does not commit; see the disk.")
        return web.Response(text="ok\n")

    async def metrics(_: web.Request) -> web.StreamResponse:
        return web.Response(body=node.metrics.page(), headers={"Content-Type": "text/plain; version=0.0.4"})

    node.metrics.gauges.update(
        rooms=("Rooms with a member here.", lambda: node.hub.room_count),
        connections=("Open WebSocket connections.", lambda: len(node.sessions)),
        streams=("Open event streams.", lambda: len(node.streams)),
        log_waiting=("Entries that wait for their outcome.", lambda: node.log.waiting),
        write_bytes=("Bytes that wait for members to read them.", lambda: sum(c.backlog() for c in node.connections)),
    )
    node.metrics.counters["deliveries"] = ("Events written to members.", lambda: node.hub.delivered)
    return [web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", metrics)]


async def _announce(node: Node, origin: str, names: Sequence[str], remember: Remember) -> None:
    """Say where the server is and what to do next; make sure that the named rooms exist."""
    lines = [f"chatty listens on {origin}, and keeps everything in {node.settings.data}"]
    if not is_loopback(node.settings.host):
        lines.append("warning: open to everybody who reaches this address (--access open)")
    near = origin.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    server = "" if near == f"http://127.0.0.1:{PORT}" else f" --server {near}"
    for name in map(str.strip, names):
        try:
            room = await _named(node, name, near)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            lines.append(f"warning: the room {name!r} is not made, since nothing can be stored just now")
            continue
        if remember(room) and not sys.stderr.isatty():
            # The id is the key to the room, and this may be a journal.
            lines.append(f"join {name!r}:  chatty join {shlex.quote(name)}{server}  (its id, for others: chatty rooms)")
        else:
            lines.append(f"join {name!r}:  chatty join {room.id}{server}")
    if not names:
        lines.append(f"next, in another terminal:  chatty create general{server}  and  chatty join general{server}")
    with contextlib.suppress(OSError, ValueError):  # a full disk, or nobody who reads
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()


async def _named(node: Node, name: str, server: str) -> NamedRoom:
    lasting = "SELECT id FROM rooms WHERE name = ? AND closed_at = 0 AND expires_at = 0 ORDER BY key LIMIT 1"
    known = await node.reads.rows(lasting, name)
    if known:
        return NamedRoom(known[0][0], name, server, None)
    created = await RoomHandlers(node).create_room(NewRoom(name))
    return NamedRoom(created.id, name, server, created.owner_token)


def check(settings: Settings, rooms: Sequence[str] = ()) -> None:
    """Raise SettingError for what cannot be. ``rooms`` are names of rooms that shall exist."""
    for setting in SETTINGS:
        number = getattr(settings, setting.name)
        if setting.range and number and not setting.range.least <= number <= setting.range.most:  # nor is it NaN
            raise SettingError(
                f"{setting.option} (or {setting.variable}) cannot be {number}",
                f"choose 0, or from {setting.range.least} to {setting.range.most}. {setting.help}",
            )
    for name in rooms:
        checked = check_room_name(name, points=ROOM_NAME_POINTS)
        if isinstance(checked, Rejection):
            raise SettingError(f"{name!r} is no room's name", checked.message[:1].lower() + checked.message[1:])
    check_hosts(settings)
    if settings.access not in ("", "open"):
        raise SettingError(f"unknown access {settings.access!r}", "this version knows: --access open")
    if not is_loopback(settings.host) and not settings.access:
        raise SettingError(
            f"{settings.host} can be reached from other machines, and nothing would keep anybody out",
            "say so with --access open, or listen on 127.0.0.1",
        )
    if settings.log_level not in logs.LEVELS:
        raise SettingError(f"unknown log level {settings.log_level!r}", f"choose one of {', '.join(logs.LEVELS)}")
    if settings.log_format not in ("text", "json"):
        raise SettingError(f"unknown log format {settings.log_format!r}", "choose text or json")
    _age_ms(settings.retain_age)


def _age_ms(text: str) -> int:
    """``30d`` as milliseconds; 0 for nothing."""
    if not text:
        return 0
    found = re.fullmatch(r"([1-9]\d{0,5})([smhdw])", text)
    if found is None:
        raise SettingError(f"{text!r} is no length of time", "write 30d, 12h, 90m …; without --retain-age all is kept")
    return int(found[1]) * _UNITS[found[2]] * 1000
