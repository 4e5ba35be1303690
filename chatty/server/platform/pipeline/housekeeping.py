"""What goes on by itself: heartbeats, stalled writers, silent newcomers, and time that passes as entries."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from chatty.events import rfc3339
from chatty.protocol import PING_SECONDS, PONG_SECONDS, TICK_SECONDS, Close, Tick, encode, text_frame
from chatty.server.business.entries import ExpireRoom, Forget, PurgeRoom, Rejection, TrimRoom
from chatty.server.platform.network.connections import Connection
from chatty.server.platform.network.event_stream import EventStream
from chatty.server.platform.network.session import Session
from chatty.server.platform.pipeline.hub import v1_dialect
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.schema import ROOM_BITS

SWEEP_SECONDS: Final = 1.0
AT_ONCE: Final = 250
"""Members that are looked at before others get their turn of the loop."""

HANDSHAKE_SECONDS: Final = 10.0
STALL_SECONDS: Final = 10.0

HOUSEKEEPING_SECONDS: Final = 10.0
CLOCK_SECONDS: Final = 60.0
"""How long after the start nothing is done by the wall clock."""
JUMP_SECONDS: Final = 60.0
"""By how much the wall clock may go ahead of the time that went by; a machine's clock is put right by far less."""
DISTRUST_SECONDS: Final = 3600.0
"""How long after a greater jump nothing is done by the wall clock, so that somebody can put it right."""

CLOSED_KEPT_MS: Final = 24 * 3600 * 1000
IDEMPOTENCY_KEYS_KEPT_MS: Final = 24 * 3600 * 1000
PRODUCERS_KEPT_MS: Final = 30 * 24 * 3600 * 1000
EVENTS_A_MESSAGE: Final = 20
LEAST_EVENTS: Final = 20_000
"""Events that are kept for each message that is to be, and in any case: what is no message counts as well some day."""
TRIM_EVENTS: Final = 2_000
"""Events that one entry forgets: the writer is not held up for long."""

_LOG = structlog.get_logger("chatty")
_PING: Final = b"\x89\x00"


async def keep_connections(node: Node) -> None:
    """Look at every connection once a second."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        now = node.loop.time()
        for connection in list(node.connections):
            if not connection.asked:
                silent = now - connection.since > HANDSHAKE_SECONDS
            else:
                silent = not connection.guarded and is_stalled(connection, now)
            if silent:
                connection.abort()
        for stream in list(node.streams):
            if is_stalled(stream, now):
                stream.cut(Close.SLOW)
        for number, session in enumerate(list(node.sessions)):
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            if session.connection is not None:
                look_at(session, now)
        for last, subscribers in node.hub.quiet_rooms(time.monotonic() - TICK_SECONDS):
            tick = text_frame(encode(Tick(last=last)))
            for subscriber in subscribers:
                if subscriber.dialect is v1_dialect:
                    subscriber.send(tick)


async def keep_streams(node: Node) -> None:
    """Event streams have no pings: write a comment."""
    while True:
        await asyncio.sleep(PONG_SECONDS)
        for stream in list(node.streams):
            stream.beat()


def is_stalled(writer: Session | EventStream | Connection, now: float) -> bool:
    """Whether the peer has taken nothing of what waits for it, for ten seconds of being looked at."""
    backlog = writer.backlog()
    taken = writer.written - backlog
    if not backlog:
        writer.stalled = None
    elif writer.stalled is None or writer.stalled[0] != taken:
        writer.stalled = (taken, now)
    return writer.stalled is not None and now - writer.stalled[1] > STALL_SECONDS


def look_at(session: Session, now: float) -> None:
    """Ping a session, or cut it where it is silent or does not read."""
    if is_stalled(session, now):
        session.cut(Close.SLOW)
        return
    if session.pinged_at and session.pinged_at > 0:
        if session.heard:
            session.pinged_at = -now
        elif now - session.pinged_at > PONG_SECONDS:
            session.cut(Close.SILENT)
    elif not session.pinged_at:
        session.pinged_at = -now
    elif now + session.pinged_at > PING_SECONDS:
        session.heard = False
        session.pinged_at = now
        session.send(_PING)


async def keep_rooms(node: Node, retain_events: int, retain_age_ms: int) -> None:
    """Propose what time asks for; the log decides."""
    housekeeping = Housekeeping(node, retain_events, retain_age_ms, node.now(), _uptime())
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        try:
            await housekeeping.do(node.now(), _uptime())
        except Exception as error:  # noqa: BLE001 - reported, and tried again
            node.report("housekeeping failed; it is tried again", error)


def _uptime() -> float:
    """Seconds since some moment, in which the machine may also have slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Housekeeping:
    """Forgets what need not be kept, and ends what has run out.

    A wall clock that is wrong must not delete everything. One that is behind only deletes later. One that goes
    ahead of the time that went by shows it, and for an hour nothing is done by it. One that was ahead
    from the start can't be told from a right one.
    """

    def __init__(self, node: Node, retain_events: int, retain_age_ms: int, now: int, up: float) -> None:
        """``now`` is the wall clock's time in milliseconds; ``up`` counts seconds, also those of the machine's sleep.

        ``retain_events`` and ``retain_age_ms`` are 0 for no limit.
        """
        self._node = node
        self._retain_events = retain_events
        self._retain_age_ms = retain_age_ms
        self._now, self._up = now, up
        self._trust_from = up + CLOCK_SECONDS
        self._short: dict[int, int] = {}

    async def do(self, now: int, up: float) -> None:
        """Propose what ``now`` asks for."""
        ahead = (now - self._now) / 1000 - (up - self._up)
        self._now, self._up = now, up
        if ahead > JUMP_SECONDS:
            self._trust_from = up + DISTRUST_SECONDS
            _LOG.warning(
                "the clock has jumped ahead; if it is wrong, put it right within the hour:"
                " until then nothing is deleted for its age, and no room is closed",
                seconds=round(ahead),
            )
        if self._retain_events:
            self._short = await _trim_to(self._node, self._retain_events, self._short)
        if up >= self._trust_from:
            await _by_the_clock(self._node, now, self._retain_age_ms)


async def _by_the_clock(node: Node, now: int, retain_age_ms: int) -> None:
    expired = await node.reads.rows(
        "SELECT id FROM rooms WHERE expires_at > 0 AND expires_at <= ? AND closed_at = 0", now
    )
    for (room_id,) in expired:
        await node.log.commit(ExpireRoom(room_id, now))
    over = await node.reads.rows(
        "SELECT id, key FROM rooms WHERE closed_at > 0 AND closed_at <= ?", now - CLOSED_KEPT_MS
    )
    for room_id, key in over:
        await _trim(node, room_id, key, await node.reads.last(key) + 1)
        await node.log.commit(PurgeRoom(room_id, now, now - CLOSED_KEPT_MS))
    if await node.reads.rows(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM producers WHERE at < ?) OR EXISTS (SELECT 1 FROM receipts WHERE at < ?)",
        now - PRODUCERS_KEPT_MS,
        now - IDEMPOTENCY_KEYS_KEPT_MS,
    ):
        await node.log.commit(Forget("", now, now - PRODUCERS_KEPT_MS, now - IDEMPOTENCY_KEYS_KEPT_MS))
    if retain_age_ms:
        since = max(0, now - retain_age_ms)
        # One question for all rooms: most have nothing that is so old.
        old = await node.reads.rows(
            "SELECT id, key, first FROM rooms WHERE json_extract(CAST((SELECT body FROM events"
            " WHERE events.key > rooms.key << ? AND events.key < (rooms.key + 1) << ? ORDER BY events.key LIMIT 1)"
            " AS TEXT), '$.at') < ?",
            ROOM_BITS, ROOM_BITS, rfc3339(since),
        )  # fmt: skip
        for room_id, key, first in old:
            keep_from = await node.reads.first_since(key, first, since)
            if keep_from > first:
                await _trim(node, room_id, key, keep_from)


async def _trim_to(node: Node, messages: int, short: dict[int, int]) -> dict[int, int]:
    """Keep the newest ``messages`` of each room. Gives the rooms that had no more than that, and their last events.

    ``short`` is what this gave before: where nothing has happened since, a room is not looked at again.
    """
    rooms = await node.reads.rows(
        "SELECT id, key, first, (SELECT max(events.key) FROM events"
        " WHERE events.key > rooms.key << ? AND events.key < (rooms.key + 1) << ?) FROM rooms",
        ROOM_BITS, ROOM_BITS,
    )  # fmt: skip
    still_short = {}
    for room_id, key, first, last in rooms:
        if short.get(key) != last:
            keep_from = await node.reads.before_newest_messages(key, messages) + 1
            most = max(messages * EVENTS_A_MESSAGE, LEAST_EVENTS)
            keep_from = max(keep_from, await node.reads.last(key) - most + 1)
            if keep_from > first:
                await _trim(node, room_id, key, keep_from)
                continue
        still_short[key] = last
    return still_short


async def _trim(node: Node, room_id: str, key: int, first: int) -> None:
    """Forget what is below ``first``, a part at a time. Where the disk is full, housekeeping comes back to it."""
    while True:
        page = await node.reads.rows(
            "SELECT key - ? FROM events WHERE key > ? AND key < ? ORDER BY key LIMIT 1 OFFSET ?",
            key << ROOM_BITS, key << ROOM_BITS, (key << ROOM_BITS) + first, TRIM_EVENTS,
        )  # fmt: skip
        outcome = await node.log.commit(TrimRoom(room_id, node.now(), page[0][0] if page else first))
        if not page or isinstance(outcome, Rejection):
            return
