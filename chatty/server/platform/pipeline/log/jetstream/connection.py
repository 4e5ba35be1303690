"""A connection to the servers of NATS that keep a cluster's log, and that log's stream."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import math
from collections.abc import Awaitable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import nats
import nats.errors
import structlog
from msgspec import Struct
from nats.aio.client import Client

from chatty.server.platform.store.errors import StoreError
from chatty.server.settings import SettingError

STREAM: Final = "CHATTY"
SUBJECT: Final = "chatty.log"
SERVERS: Final = "chatty.servers"
"""The subject on which all servers of NATS say how they are set up, if their configuration offers that."""

API_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 0.3
NO_STREAM: Final = 10059
"""The error's number when there is no such stream (nats-server, errors.json)."""
LEAST_SECRET: Final = 32
ANSWERS_SECONDS: Final = 0.5

_LOG = structlog.get_logger("chatty")


class Refusal(Exception):
    """JetStream refuses something, for the reason with this ``number``."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("description", error)))
        self.number = int(error.get("err_code", 0))


class StreamInfo(Struct, frozen=True):
    """A stream as JetStream describes it. Another one that is made later has another ``generation``."""

    generation: str
    first: int
    last: int
    bytes: int
    leader: str
    config: Mapping[str, Any]
    replicas: tuple[Mapping[str, Any], ...]

    @property
    def metadata(self) -> Mapping[str, str]:
        """What was noted with the stream when it was made."""
        return dict(self.config.get("metadata") or {})

    def bytes_between(self, after: int, last: int) -> int:
        """About how many bytes the messages ``after`` < n <= ``last`` take."""
        return self.bytes * max(0, last - max(after, self.first - 1)) // max(1, self.last - self.first + 1)

    @property
    def alone_seconds(self) -> float:
        """For how long its leader has not heard of a quorum. Meanwhile others may have a leader that knows more."""
        others = int(self.config["num_replicas"]) // 2
        if not others:
            return 0.0
        # Without a leader, a server answers by itself. One that has not been heard of at all is not silent for 0 s.
        silent = sorted(int(one["active"]) for one in self.replicas if self.leader and one["active"])
        return silent[others - 1] / 1e9 if len(silent) >= others else math.inf


def secret_of(file: str) -> bytes:
    """The cluster's secret. Raises SettingError if the file doesn't have one."""
    hint = "make one, and give all nodes the same: chatty cluster secret > FILE"
    if not file:
        raise SettingError("a cluster needs --secret-file", hint)
    try:
        secret = Path(file).read_bytes().strip()
    except OSError as error:
        raise SettingError(f"--secret-file can't be read: {error}", "see its path and permissions") from error
    if len(secret) < LEAST_SECRET:
        raise SettingError(f"{file} is too short for a secret", hint)
    return secret


def derived(secret: bytes, what: str) -> bytes:
    """A key of its own for each use of the secret."""
    return hmac.digest(secret, f"chatty {what}".encode(), hashlib.sha256)


class Connection:
    """A connection that comes back by itself, to whichever of the servers answers."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def is_connected(self) -> bool:
        return bool(self.client.is_connected)

    async def api(
        self, what: str, body: Mapping[str, Any] | None = None, seconds: float = API_SECONDS
    ) -> dict[str, Any]:
        """JetStream's answer. Raises Refusal, or an error of NATS or a TimeoutError if there is none."""
        payload = json.dumps(body).encode() if body else b""
        message = await self.client.request(f"$JS.API.{what}", payload, timeout=seconds)
        answer: dict[str, Any] = json.loads(message.data)
        if "error" in answer:
            raise Refusal(answer["error"])
        return answer

    async def info(self) -> StreamInfo | None:
        """The log's stream as it is now, or None if there is none. Raises as `api` does."""
        try:
            return _info(await self.api(f"STREAM.INFO.{STREAM}"))
        except Refusal as refusal:
            if refusal.number == NO_STREAM:
                return None
            raise

    async def create_stream(self, replicas: int, metadata: Mapping[str, str]) -> StreamInfo:
        """Make the log's stream, or get the one that is like it. Raises as `api` does."""
        return _info(await self.api(f"STREAM.CREATE.{STREAM}", stream_config(replicas, metadata)))

    async def ask_all(self, subject: str, most: int) -> list[bytes]:
        """The answers to a request that several may answer: ``most`` of them, or fewer if no more come in a while."""
        inbox, answers = self.client.new_inbox(), list[bytes]()
        subscription = await self.client.subscribe(inbox, max_msgs=most)
        try:
            await self.client.publish(subject, reply=inbox)
            while len(answers) < most:
                answers.append((await subscription.next_msg(ANSWERS_SECONDS)).data)
        except nats.errors.TimeoutError:
            pass
        finally:
            await self.quietly(subscription.unsubscribe())
        return [answer for answer in answers if answer]

    async def quietly(self, what: Awaitable[Any]) -> None:
        """Do something that may fail because it is done again anyway."""
        with contextlib.suppress(nats.errors.Error, OSError, asyncio.TimeoutError):
            await what

    async def close(self) -> None:
        """Close the connection, whatever state it is in."""
        await self.quietly(self.client.close())


def _info(answer: Mapping[str, Any]) -> StreamInfo:
    state, cluster = answer["state"], answer.get("cluster") or {}
    return StreamInfo(
        answer["created"], state["first_seq"], state["last_seq"], state["bytes"], cluster.get("leader", ""),
        answer["config"], tuple(cluster.get("replicas") or ()),
    )  # fmt: skip


def stream_config(replicas: int, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The log's stream: it keeps everything until it is purged, in ``replicas`` copies, and forgets nothing by itself.

    Duplicates are recognized by the nodes, so JetStream need not look for them.
    """
    return {
        "name": STREAM, "subjects": [SUBJECT], "retention": "limits", "storage": "file", "discard": "new",
        "num_replicas": replicas, "deny_delete": True, "allow_direct": True, "duplicate_window": 100_000_000,
        "max_consumers": -1, "max_msgs": -1, "max_bytes": -1, "max_age": 0, "metadata": dict(metadata),
    }  # fmt: skip


async def connect(urls: str, name: str) -> Connection:
    """Connect to the first of ``urls`` (separated by commas) that answers; waits until one does.

    Raises SettingError if that can't be.
    """
    servers = [url.strip() for url in urls.split(",") if url.strip()]
    client, said = Client(), ""
    refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def on_error(error: Exception) -> None:
        nonlocal said
        text = str(error) or type(error).__name__
        if client.is_connected or client.is_reconnecting or refused.done():
            _LOG.debug("nats", error=text)
        elif "authorization" in text.lower():
            refused.set_exception(
                SettingError("the servers of NATS don't let this node in", "see the user and password in --log")
            )
        elif text != said:
            said = text
            _LOG.warning("no server of NATS answers; it is tried again", error=text)

    connecting = asyncio.ensure_future(
        client.connect(
            servers, name=name, allow_reconnect=True, max_reconnect_attempts=-1, connect_timeout=2, ping_interval=5,
            reconnect_time_wait=0.1,  # type: ignore[arg-type]  # it sleeps for as long
            max_outstanding_pings=2, pending_size=1 << 20, error_cb=on_error,
        )
    )  # fmt: skip
    try:
        await asyncio.wait({connecting, refused}, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            refused.result()
        connecting.result()
    except BaseException:
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError, nats.errors.Error, OSError):
            await connecting
        await client.close()
        raise
    refused.cancel()
    return Connection(client)


async def stream_of(connection: Connection, replicas: int, metadata: Mapping[str, str], *, create: bool) -> StreamInfo:
    """The log's stream, once it has a leader; without one it is made if ``create`` says so.

    Raises StoreError if there is none.
    """
    said = ""
    while True:
        try:
            info = await connection.info()
            if info is None and not create:
                raise StoreError(
                    "the cluster's log is gone, but this node has data of it",
                    "start the servers of NATS with their data, or see: chatty cluster restore --help",
                )
            info = info or await connection.create_stream(replicas, metadata)
            if replicas == 1 or info.leader:
                return info
            problem = "it has no leader"
        except (TimeoutError, Refusal, nats.errors.Error, OSError) as error:
            problem = str(error) or type(error).__name__
        if problem != said:
            _LOG.warning("the cluster's log is not there yet", error=problem)
            said = problem
        await asyncio.sleep(AGAIN_SECONDS)


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel ``tasks`` until they end: Python 3.11's `asyncio.wait_for` may lose a cancellation (cpython #86296)."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_SECONDS)
