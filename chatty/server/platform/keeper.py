"""What goes on by itself: heartbeats, stalled writers, silent newcomers, and time that passes as entries."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from chatty.events import rfc3339
from chatty.protocol import PING_SECONDS, PONG_SECONDS, TICK_SECONDS, Close, Tick, encode, text_frame
from chatty.server.business.entries import ExpireRoom, Forget, PurgeRoom, TrimRoom
from chatty.server.platform.connections import Connection
from chatty.server.platform.hub import v1_dialect
from chatty.server.platform.node import Node
from chatty.server.platform.reads import Reads
from chatty.server.platform.schema import ROOM_BITS
from chatty.server.platform.session import Session
from chatty.server.platform.stream import Stream

SWEEP_SECONDS: Final = 1.0
AT_ONCE: Final = 250
"""Members that are looked at before others get their turn of the loop."""

HANDSHAKE_SECONDS: Final = 10.0
STALL_SECONDS: Final = 10.0

HOUSEKEEPING_SECONDS: Final = 10.0
CLOCK_SECONDS: Final = 60.0
"""How long after the start nothing is done by the wall clock."""

CLOSED_KEPT_MS: Final = 24 * 3600 * 1000
RECEIPTS_KEPT_MS: Final = 24 * 3600 * 1000
PRODUCERS_KEPT_MS: Final = 30 * 24 * 3600 * 1000
DAY_MS: Final = 24 * 3600 * 1000
EVENTS_A_MESSAGE: Final = 20
"""Events that are kept for each message that is to be: changes without end are not kept without end."""
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
            look_at(session, now)
        for last, members in node.hub.quiet_rooms(time.monotonic() - TICK_SECONDS):
            tick = text_frame(encode(Tick(last=last)))
            for member in members:
                if member.dialect is v1_dialect:
                    member.tell(tick)


async def keep_streams(node: Node) -> None:
    """Event streams have no pings: write a comment."""
    while True:
        await asyncio.sleep(PONG_SECONDS)
        for stream in list(node.streams):
            stream.beat()


def is_stalled(writer: Session | Stream | Connection, now: float) -> bool:
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
        session.tell(_PING)


async def keep_rooms(node: Node, retain_events: int, retain_age_ms: int) -> None:
    """Propose what time asks for; the log decides.

    What goes by the wall clock waits a minute after the start, and while the
    clock is behind the newest event or has jumped by more than a day: a machine
    without a battery for its clock must not expire everything.
    """
    started, wall, trusted = _uptime(), node.now(), False
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        try:
            if retain_events:
                await _trim_to(node, retain_events)
            lived_ms = (_uptime() - started) * 1000
            if abs(node.now() - wall - lived_ms) > DAY_MS:
                started, wall, trusted = _uptime(), node.now(), False
                continue
            if lived_ms < CLOCK_SECONDS * 1000:
                continue
            trusted = trusted or not await is_behind(node.reads, node.now())  # from then on a jump would show
            if trusted:
                await _by_the_clock(node, node.now(), retain_age_ms)
        except Exception as error:  # noqa: BLE001 - reported, and tried again
            node.report("housekeeping failed; it is tried again", error)


def _uptime() -> float:
    """Seconds since some moment, in which the machine may also have slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


async def is_behind(reads: Reads, now: int) -> bool:
    """Whether the clock, which shows ``now``, shows a time before that of a room or of an event."""
    ((latest, newest),) = await reads.rows(
        "SELECT max(max(created_at), max(closed_at)), max(json_extract(CAST((SELECT body FROM events"
        " WHERE events.key BETWEEN rooms.key << ? AND (rooms.key + 1) << ? ORDER BY events.key DESC LIMIT 1)"
        " AS TEXT), '$.at')) FROM rooms",
        ROOM_BITS,
        ROOM_BITS,
    )
    return (latest or 0) > now or (newest or "") > rfc3339(now)


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
        now - RECEIPTS_KEPT_MS,
    ):
        await node.log.commit(Forget("", now, now - PRODUCERS_KEPT_MS, now - RECEIPTS_KEPT_MS))
    if retain_age_ms:
        for room_id, key, first in await node.reads.rows("SELECT id, key, first FROM rooms"):
            keep_from = await node.reads.first_since(key, first, now - retain_age_ms)
            if keep_from > first:
                await _trim(node, room_id, key, keep_from)


async def _trim_to(node: Node, messages: int) -> None:
    for room_id, key, first in await node.reads.rows("SELECT id, key, first FROM rooms"):
        keep_from = await node.reads.before_newest_messages(key, messages) + 1
        keep_from = max(keep_from, await node.reads.last(key) - messages * EVENTS_A_MESSAGE + 1)
        if keep_from > first:
            await _trim(node, room_id, key, keep_from)


async def _trim(node: Node, room_id: str, key: int, first: int) -> None:
    """Forget what is below ``first``, a part at a time."""
    while True:
        page = await node.reads.rows(
            "SELECT key - ? FROM events WHERE key > ? AND key < ? ORDER BY key LIMIT 1 OFFSET ?",
            key << ROOM_BITS, key << ROOM_BITS, (key << ROOM_BITS) + first, TRIM_EVENTS,
        )  # fmt: skip
        await node.log.commit(TrimRoom(room_id, node.now(), page[0][0] if page else first))
        if not page:
            return
