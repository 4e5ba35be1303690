"""Says things in a room by single requests, each of which may be repeated until it is known to be stored, once."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self, TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from chatty import protocol
from chatty.cli.target import Target
from chatty.client.address import room_path
from chatty.client.outbox import TRANSIENT
from chatty.client.session import failures, open_session
from chatty.errors import ProtocolError, Refused, Unreachable

__all__ = ["Speaker", "persistently", "receipt"]

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.1  # seconds; it doubles
_LONGEST_PAUSE: Final = 2.0
_TRANSIENT_SECONDS: Final = 30.0
"""How long a server may say that it can store nothing just now."""


class _Stored(Struct):
    seq: int


_stored = msgspec.json.Decoder(_Stored).decode


def receipt(*parts: str) -> str:
    """An idempotency key that is the same for the same ``parts``, and for no others."""
    return hashlib.sha256(protocol.encode(parts)).hexdigest()


class Speaker:
    """Somebody who speaks in ``target`` as ``name`` without joining, as an async context manager.

    ``key`` is who it is to the server: nobody else may edit what it said, and
    its receipts are its own. Its methods raise `Refused`, `Unreachable` and
    `ProtocolError`.
    """

    def __init__(self, target: Target, *, name: str, key: str) -> None:
        self._server = target.server
        self._messages = room_path(target.room_id, "messages").lstrip("/")
        self._name = name
        self._key = key
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = open_session(self._server, self._key)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def say(self, text: str, *, receipt: str, reply_to: int = 0) -> int:
        """Say ``text``, once for each ``receipt`` within 24 hours. Gives the message's number, the first time's too."""
        message = protocol.NewMessage(self._name, text, reply_to)
        return await self._ask("POST", self._messages, message, {"Idempotency-Key": receipt})

    async def edit(self, of: int, text: str) -> None:
        """Make the message ``of``, which is its own, say ``text``."""
        await self._ask("PATCH", f"{self._messages}/{of}", protocol.NewMessage(self._name, text), {})

    async def _ask(self, method: str, path: str, body: protocol.NewMessage, headers: dict[str, str]) -> int:
        if self._session is None:
            raise RuntimeError("enter it first: async with Speaker(…) as speaker")
        headers["Content-Type"] = "application/json"
        with failures(self._server):
            async with self._session.request(method, path, data=protocol.encode(body), headers=headers) as response:
                answer = await response.read()
        try:
            return _stored(answer).seq
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProtocolError(f"{self._server} did not answer as a chatty server does ({error})") from error


async def persistently(attempt: Callable[[], Awaitable[T]], *, wait: float = math.inf) -> T:
    """What ``attempt`` gives, tried again while nothing answers, or the server can store nothing just now.

    ``wait``: seconds for which nothing may answer. Raises what ``attempt``
    raised last.
    """
    now = asyncio.get_running_loop().time
    began = now()
    pause = _FIRST_PAUSE
    while True:
        at_least = 0.0
        try:
            return await attempt()
        except Unreachable:
            if now() - began + pause > wait:
                raise
        except Refused as refused:
            if refused.code not in TRANSIENT or now() - began > max(wait, _TRANSIENT_SECONDS):
                raise
            at_least = refused.retry_after or 0.0
        await asyncio.sleep(max(pause, at_least))
        pause = min(2 * pause, _LONGEST_PAUSE)
