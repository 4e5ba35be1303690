"""The control socket, over which an owner of the server's files is its operator, without any credential.

It lies in the data directory and speaks the same HTTP. So somebody who may read
the database may issue tokens, also the first one, and nobody is ever locked out.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import structlog

from chatty.server.platform.network.connections import Connection
from chatty.server.platform.pipeline.node import Node

CONTROL: Final = "control"
"""The socket's name in the data directory."""

_LONGEST: Final = 100
"""Bytes of a Unix socket's path that every system has room for: Linux has 108, macOS 104."""

_LOG = structlog.get_logger("chatty")


@contextlib.asynccontextmanager
async def control_socket(node: Node, connection: Callable[[], Connection]) -> AsyncIterator[None]:
    """Serve on the control socket. Where there can be none, the server works without it, and says so."""
    path = node.settings.data / CONTROL
    try:
        listener = _bound(path)
        server = await node.loop.create_unix_server(connection, sock=listener)
    except OSError as error:
        _LOG.warning("there is no control socket; commands with --data can't be used", error=str(error))
        yield
        return
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(OSError):
            path.unlink()


def _bound(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # of a server that was killed: the directory is locked, so there is no other
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_path(path) as short:
        listener.bind(short)
        Path(short).chmod(0o600)  # before it listens, so nobody can have connected
    return listener


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A path to the same socket that is short enough for the system. Raises OSError if there is none."""
    if len(os.fsencode(path)) <= _LONGEST or not Path("/proc/self/fd").exists():
        yield os.fspath(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
