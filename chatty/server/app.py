"""The composition root: settings → store → log → node → network, and the life of the process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from chatty.protocol import Close
from chatty.server import structured_logging as logs
from chatty.server.announcement import RoomList, announce
from chatty.server.business.entries import Rejection
from chatty.server.business.nodes import StartNode
from chatty.server.checks import age_ms, check
from chatty.server.memory_limit import available, budget
from chatty.server.origins import from_here
from chatty.server.platform.network import heartbeat
from chatty.server.platform.network.listener import listening
from chatty.server.platform.network.tls.certificate import Certificate, certificate_of
from chatty.server.platform.pipeline import housekeeping, loop_lag
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.log.local import LocalLog
from chatty.server.platform.pipeline.metrics import Metrics
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.data_directory import (
    DATABASE,
    address_noted,
    check_not_lost,
    is_there,
    locked,
    remember_database,
    remembers_database,
)
from chatty.server.platform.store.reads import Reads
from chatty.server.platform.store.search.searching import Search
from chatty.server.platform.store.sqlite_version import check_sqlite
from chatty.server.provisioning import set_access
from chatty.server.served_rooms import ServedRooms
from chatty.server.settings import Settings
from chatty.server.structured_logging import Notices
from chatty.server.surroundings.best_effort import attempt, raise_descriptor_limit
from chatty.server.surroundings.service_manager import ServiceManager

if TYPE_CHECKING:
    from chatty.server.clustering import Cluster
    from chatty.server.platform.pipeline.tracing import Tracing

T = TypeVar("T")
STOP_SECONDS: Final = 3.0
SWITCH_SECONDS: Final = 0.001

Beside = Callable[[], AbstractAsyncContextManager[None]]
"""Runs something beside the server, from before its start to after its end."""

_LOG = structlog.get_logger("chatty")


def run(settings: Settings, rooms: Sequence[str], known: RoomList, *, beside: Beside = nullcontext) -> int:
    """Serve until SIGTERM or SIGINT, and give the exit status. ``rooms`` are names of rooms to create.

    Raises SettingError or StoreError, both with a hint, when it can't start, and ImportError for a
    cluster if NATS is not installed.
    """
    check(settings, rooms)
    certificate = certificate_of(settings)
    check_sqlite()
    # If stderr was closed, descriptor 2 leads nowhere by now, and Python has no object for it.
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    notices = logs.set_up(settings.log_level, settings.log_format, sys.stderr)
    attempt("more open files", raise_descriptor_limit)
    # The writer thread should not wait 5 ms, Python's default, for its turn.
    attempt("short turns of threads", lambda: sys.setswitchinterval(SWITCH_SECONDS))
    attempt("a garbage collector that is seldom at work", _tune_garbage_collector)
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        return runner.run(_serve(settings, certificate, rooms, known, notices, beside))


def run_alone(settings: Settings, beside: Beside) -> int:
    """Run only what usually runs beside the server, until SIGTERM or SIGINT. Raises SettingError."""
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    notices = logs.set_up(settings.log_level, settings.log_format, sys.stderr)

    async def wait() -> int:
        stop = asyncio.Event()
        _heed_signals(stop, None, notices)
        async with beside():
            await stop.wait()
        return 0

    return asyncio.run(wait())


def _tune_garbage_collector() -> None:
    """Objects from the start-up stay for good: the garbage collector need not look at them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which is faster, or Python's own."""
    loops: list[asyncio.AbstractEventLoop] = []

    def make() -> None:
        import uvloop

        loops.append(uvloop.new_event_loop())

    return loops[0] if attempt("uvloop", make) else asyncio.new_event_loop()


async def _serve(
    settings: Settings,
    certificate: Certificate | None,
    rooms: Sequence[str],
    known: RoomList,
    notices: Notices,
    beside: Beside,
) -> int:
    stop = asyncio.Event()
    _heed_signals(stop, certificate, notices)
    with suppress(_Stopped):
        async with beside():
            await _serve_until(stop, settings, certificate, rooms, known, notices)
    _LOG.info("stopped")
    return 0


async def _serve_until(
    stop: asyncio.Event,
    settings: Settings,
    certificate: Certificate | None,
    rooms: Sequence[str],
    known: RoomList,
    notices: Notices,
) -> None:
    async with running(settings, notices, stop) as node:
        await set_access(node)
        async with listening(node, certificate) as origin:
            with address_noted(settings.data, from_here(origin)):
                await announce(node, origin, rooms, known, notices)
                node.started = True
                await _run_tasks(node, certificate, stop, notices)
            _LOG.info("stopping", connections=len(node.sessions))
            node.stopping = True
            await _close_connections(node)


@contextlib.asynccontextmanager
async def running(settings: Settings, notices: Notices, stop: asyncio.Event | None = None) -> AsyncIterator[Node]:
    """The node over the data directory, whose lock it takes, without anything that listens.

    A node of a cluster may have to wait for that. Then it gives up when ``stop`` is set.
    """
    stop = stop or asyncio.Event()
    with locked(settings.data) as lock:
        fail = partial(_fail, notices=notices)
        memory = available()
        share = budget(memory)
        store = Store(
            settings.data / DATABASE,
            on_error=lambda error: node.report("a rule failed", error),
            budget=share,
            replicated=bool(settings.log),
        )
        if not settings.log:  # else the log has it
            check_not_lost(store.path, lock)
        cluster = await _unless(stop, _cluster(settings, had_data=remembers_database(lock)))
        if not is_there(store.path):
            with suppress(OSError):  # the store can't be opened either, and says why
                ServedRooms(settings.data).begin()
        store.open()
        remember_database(lock)
        node = Node(settings, secrets.token_hex(8), Reads(store.path), Hub(share.waiting), Metrics())
        node.metrics.gauge("memory_limit_bytes", "The memory that caches have a share of.", lambda: memory)
        node.search = Search(store.path)
        node.tracing = _tracing(node.incarnation) if settings.tracing == "otlp" else None
        if cluster is None:
            node.log = LocalLog(store, node, on_fatal=fail, most_waiting=share.waiting)
            await _begin(node)
        else:
            await _unless(stop, cluster.join(node, store, share, fail))
        await _take_over(node)
        try:
            yield node
        finally:
            # The writer closes last: the last connection to the database removes its write-ahead log.
            node.reads.close()
            await node.search.close()
            await node.log.close()
            if node.tracing is not None:
                await node.tracing.close()


def _tracing(incarnation: str) -> Tracing:
    from chatty.server.platform.pipeline.tracing import Tracing

    return Tracing(incarnation)


def _heed_signals(stop: asyncio.Event, certificate: Certificate | None, notices: Notices) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if certificate is not None:
        had_terminal = notices.are_for_a_person

        def hang_up() -> None:
            # A terminal that was closed ends the server, as it ends other programs.
            (stop if had_terminal and not notices.are_for_a_person else certificate.renewed).set()

        loop.add_signal_handler(signal.SIGHUP, hang_up)


class _Stopped(Exception):
    """The server is to stop before it has started."""


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``. Raises `_Stopped` if ``stop`` is set before there is one."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return await working
    working.cancel()
    raise _Stopped


async def _cluster(settings: Settings, *, had_data: bool) -> Cluster | None:
    """The cluster whose node this is, if it is one."""
    if not settings.log:
        return None
    from chatty.server.clustering import Cluster

    return await Cluster.reach(settings, had_data=had_data)


async def _begin(node: Node) -> None:
    """Begin this incarnation, which ends what earlier ones left open."""
    node.clock.learn(await node.reads.newest())
    start = StartNode("", node.now(), node.name, node.incarnation)
    if isinstance(await node.log.commit(start), Rejection):
        # The disk is full. Until there is space, nothing else is stored either, so the order is kept.
        node.propose_until_accepted(start)


async def _take_over(node: Node) -> None:
    """Know who has rights, and wait for those that may come back."""
    node.has_rulings = await node.reads.has_rulings()
    for absence in await node.reads.away():
        node.await_return(*absence)


async def _run_tasks(node: Node, certificate: Certificate | None, stop: asyncio.Event, notices: Notices) -> None:
    """Run the server's long-lived tasks until ``stop``. If one of them fails, the server ends."""
    settings = node.settings
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {
                "heartbeat": group.create_task(heartbeat.sweep(node)),
                "loop_lag": group.create_task(loop_lag.measure(node.metrics)),
                "housekeeping": group.create_task(
                    housekeeping.keep_rooms(node, settings.retain_events, age_ms(settings.retain_age))
                ),
            }
            if certificate is not None:
                tasks["certificate"] = group.create_task(certificate.follow_files())
            for part, task in tasks.items():
                node.metrics.parts[part] = _goes_on(task)
            manager = ServiceManager.of(os.environ)
            if manager is not None:
                works = partial(_works, node)
                tasks["service_manager"] = group.create_task(manager.attend(node.log.trouble, works))
            await stop.wait()
            if manager is not None:
                manager.stopping()
            for task in tasks.values():
                task.cancel()
    except* Exception as faults:  # noqa: BLE001 - the server can't do without that task
        _fail(faults.exceptions[0], notices)


def _works(node: Node) -> bool:
    return all(works() for works in node.metrics.parts.values())


def _goes_on(task: asyncio.Task[None]) -> Callable[[], bool]:
    return lambda: not task.done()


def _fail(fault: BaseException, notices: Notices) -> None:
    """End the process at once: from here on it must not acknowledge anything, not even while it cleans up."""
    hint = getattr(fault, "hint", "see the log")
    try:
        _LOG.error("the server cannot go on", error=str(fault) or type(fault).__name__, hint=hint, exc_info=fault)
        notices.fail(str(fault), hint)
    finally:
        os._exit(1)  # also if stderr is gone


async def _close_connections(node: Node) -> None:
    """Tell all clients that the server stops. Those that don't answer in time are cut off."""
    for session in list(node.sessions):
        session.cut(Close.GOING_AWAY)
    for stream in list(node.streams):
        stream.cut(Close.GOING_AWAY)
    await node.settled(STOP_SECONDS)
    for session in list(node.sessions):
        session.abort()
