"""A server as its operator reaches it: by its data directory, without a credential."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.client.http import Http
from chatty.errors import Unreachable

__all__ = ["operated"]

_STARTING: Final = 5.0
"""Seconds that a server may take from locking its directory to serving its control socket."""


@asynccontextmanager
async def operated(env: Environment, data: Path, *, begin: bool = False) -> AsyncIterator[Http]:
    """The HTTP interface of the server whose data is in ``data``, over its control socket, which makes us its operator.

    Where no server runs, this process serves the socket meanwhile. With
    ``begin`` there need not have been one yet. Raises Failure.
    """
    from chatty.cli.scripting.retry import retry
    from chatty.server.platform.network.access.control import CONTROL, short_path
    from chatty.server.platform.store.data_directory import DATABASE, is_there

    if not begin and not is_there(data / DATABASE):
        raise usage(f"there is no server's data in {data}", "--data names the directory that `chatty serve` uses")
    async with AsyncExitStack() as stack:
        with _server_faults():
            await _serve_unless_served(stack, env, data)
            path = stack.enter_context(short_path(data / CONTROL))
        http = await stack.enter_async_context(Http("http://localhost", socket=path))
        try:
            await retry(http.server_info, wait=_STARTING)
        except Unreachable as error:
            why = f"the server that uses {data} does not answer on its control socket ({error.reason})"
            hint = "only the server's user and root may use it; its log says if there is none"
            raise Failure(ExitStatus.UNREACHABLE, "unreachable", why, hint) from None
        yield http


async def _serve_unless_served(stack: AsyncExitStack, env: Environment, data: Path) -> None:
    from chatty.server.app import running
    from chatty.server.platform.network.listener import accepting
    from chatty.server.platform.store.data_directory import InUse, locked
    from chatty.server.settings import Settings
    from chatty.server.structured_logging import set_up

    try:
        with locked(data):
            pass
        node = await stack.enter_async_context(running(Settings(data=data), set_up("warning", "text", env.stderr)))
    except InUse:
        return
    await stack.enter_async_context(accepting(node))


@contextmanager
def _server_faults() -> Iterator[None]:
    from chatty.server.settings import SettingError

    try:
        yield
    except SettingError as error:
        raise usage(str(error), error.hint) from None
