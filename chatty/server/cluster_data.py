"""What an operator does with a cluster's data: copying it, replacing it, and taking a server's data in and out."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple, TypeVar

import nats.errors

from chatty.server import structured_logging as logs
from chatty.server.platform.pipeline.log.jetstream.connection import Connection, Refusal, StreamInfo, connect, secret_of
from chatty.server.platform.pipeline.log.jetstream.offline import begin_with, check_stopped, fetch_fresh
from chatty.server.platform.pipeline.log.jetstream.opening import MOVE, RESTORE
from chatty.server.platform.store.copies import snapshot as copies
from chatty.server.platform.store.copies.backup import Backup, beside, check_target, examined, put
from chatty.server.platform.store.copies.carrying_over import Carried, Tokens
from chatty.server.platform.store.copies.moving import end_connections, join_log, leave_log
from chatty.server.platform.store.copies.restore import prepare
from chatty.server.platform.store.data_directory import DATABASE, is_there, locked
from chatty.server.platform.store.disk import sync
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import LogState, peek
from chatty.server.settings import SettingError, Settings

REACH_SECONDS: Final = 10.0

T = TypeVar("T")


class BackedUp(NamedTuple):
    """The number of the log's last message that is in a backup, and whether that was made for it just now."""

    backup: Backup
    position: int
    is_fresh: bool


def back_up(settings: Settings, target: Path, *, replace: bool) -> BackedUp:
    """Put a snapshot of the cluster that ``settings`` name into the file ``target``.

    It is checked as `chatty doctor` would. Raises SettingError or StoreError; then ``target`` is as it was.
    """
    check_target(target, settings.data, replace=replace)

    async def work(connection: Connection) -> BackedUp:
        with beside(target) as fresh:
            found, is_fresh = await fetch_fresh(connection, fresh)
            made = await asyncio.to_thread(examined, fresh)
            sync(fresh)
            put(fresh, target, replace=replace)
            sync(target.parent)
        return BackedUp(made, found.position, is_fresh)

    return _run(settings, work)


def restore(settings: Settings, backup: Path, tokens: Tokens | None, *, force: bool) -> tuple[int, Carried]:
    """Begin the cluster's log anew with ``backup``; gives its rooms and the tokens that count then. No node may run.

    ``settings.data`` is that of a node here: rights that somebody lost since the backup stay lost as far as it knows.
    ``force``: a log that is there is deleted. Raises SettingError or StoreError; mostly, nothing has changed then.
    """
    secret, data = secret_of(settings.secret_file), settings.data

    async def work(connection: Connection) -> tuple[int, Carried]:
        await check_stopped(connection)
        info = await connection.info()
        if info is not None and info.last and not force:
            raise SettingError(
                f"the cluster has a log of {info.last:,} messages, which would be deleted",
                "make a backup of it first (chatty cluster backup), and then say --force",
            )
        with TemporaryDirectory(prefix="restoring-", dir=data) as scratch:
            fresh = Path(scratch) / DATABASE
            present, unknown = _present(data, info)
            rooms, rights = await asyncio.to_thread(prepare, backup, fresh, present, tokens, unknown)
            await begin_with(connection, fresh, secret, RESTORE, settings.replicas)
        return rooms, rights

    with locked(data):
        return _run(settings, work)


def _present(data: Path, info: StreamInfo | None) -> tuple[Path | None, str]:
    """The data that knows who has lost rights, or the reason if there is none that does."""
    database = data / DATABASE
    if not is_there(database):
        return None, f"there is no data of a node in {data}"
    state = peek(database).state
    if not state.generation or (info is not None and state.generation != info.generation):
        return None, f"the data in {data} is not of the cluster"
    if info is not None and state.position < info.last:
        return None, f"the node of {data} was not stopped last"
    return database, ""


def move(settings: Settings) -> int:
    """Begin a cluster with the data of the server in ``settings.data``; gives its rooms. No server may run there.

    Epochs, numbers and tokens stay as they are. Raises SettingError or StoreError.
    """
    secret, database = secret_of(settings.secret_file), settings.data / DATABASE
    if not is_there(database):
        raise SettingError(f"there is no {DATABASE} in {settings.data}", "name the server's data directory: --data")

    async def work(connection: Connection) -> int:
        await check_stopped(connection)
        info = await connection.info()
        if info is not None and info.last:
            raise SettingError(
                f"the cluster has a log of {info.last:,} messages already",
                "its nodes need no other data; to replace all that it has, see: chatty cluster restore --help",
            )
        await asyncio.to_thread(end_connections, database)
        with TemporaryDirectory(prefix="moving-", dir=settings.data) as scratch:
            fresh = (await asyncio.to_thread(copies.copy, database)).rename(Path(scratch) / DATABASE)
            rooms = (await asyncio.to_thread(examined, fresh)).rooms
            info = await begin_with(connection, fresh, secret, MOVE, settings.replicas)
        await asyncio.to_thread(join_log, database, info.generation)
        return rooms

    with locked(settings.data):
        if peek(database).state.generation:
            raise SettingError(f"the data in {settings.data} is of a cluster already", "start it: see chatty cluster")
        return _run(settings, work)


def leave(settings: Settings, *, force: bool) -> LogState:
    """Make the data of a node that of a server on its own; gives how far it has come in the log.

    It has to have all of the log, which is asked if ``settings`` name it. ``force``: even if it hasn't, or nobody
    knows. Raises SettingError or StoreError.
    """
    database = settings.data / DATABASE
    with locked(settings.data):
        state = peek(database).state
        if not state.generation:
            raise SettingError(f"the data in {settings.data} is not of a cluster's node", "see --data")
        if settings.log:
            _run(settings, lambda connection: _check_last(connection, state, force=force))
        elif not force:
            raise SettingError(
                "nobody knows whether this node has all of the log",
                "say where that is, with --log or --peers; or say --force, and messages may be missing",
            )
        end_connections(database)
        leave_log(database)
        return state


async def _check_last(connection: Connection, state: LogState, *, force: bool) -> None:
    await check_stopped(connection)
    info = await connection.info()
    if info is None or info.generation != state.generation or force:
        return
    if info.last > state.position:
        raise SettingError(
            f"this node lacks the last {info.last - state.position:,} messages of the log",
            "take the data of the node that was stopped last; or start this one once more; or say --force",
        )


def _run(settings: Settings, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
    if not settings.log:
        raise SettingError("the cluster has to be named", "say --peers as for chatty cluster serve, or --log")
    logs.set_up("error", "text", sys.stderr)  # noqa: TID251 - nothing has set up the log of a command that ends
    return asyncio.run(_with_connection(settings, work))


async def _with_connection(settings: Settings, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
    async with _connected(settings) as connection:
        try:
            return await work(connection)
        except (nats.errors.Error, Refusal, TimeoutError) as error:
            raise StoreError(
                f"the servers of NATS do not answer as they should ({str(error) or type(error).__name__})",
                "see that most of them run, and repeat it",
            ) from error


@contextlib.asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Connection]:
    try:
        async with asyncio.timeout(REACH_SECONDS):
            connection = await connect(settings.log, "chatty cluster")
    except TimeoutError:
        raise StoreError(
            "no server of NATS answers", "start them: chatty cluster serve --only-log; or see --log"
        ) from None
    try:
        yield connection
    finally:
        await connection.close()
