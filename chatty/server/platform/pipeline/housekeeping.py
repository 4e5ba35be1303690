"""Housekeeping: rooms are closed and data is forgotten when it is time. These are entries, too, and the log decides."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Final

import structlog

from chatty.server.business.entries import ExpireRoom, Forget, PurgeRoom, Rejection, TrimRoom
from chatty.server.platform.pipeline.clock import JUMP_SECONDS, Clock, uptime
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.reads import Reads

HOUSEKEEPING_SECONDS: Final = 10.0
CLOCK_SECONDS: Final = 60.0
"""How long after the start the wall clock decides nothing."""
DISTRUST_SECONDS: Final = 3600.0
"""How long after a larger jump the wall clock decides nothing, so that somebody can correct it."""

CLOSED_KEPT_MS: Final = 24 * 3600 * 1000
IDEMPOTENCY_KEYS_KEPT_MS: Final = 24 * 3600 * 1000
PRODUCERS_KEPT_MS: Final = 30 * 24 * 3600 * 1000
RIGHTS_KEPT_MS: Final = 7 * 24 * 3600 * 1000
"""How long tokens, roles, bans and mutes are kept after their end, when they are worth nothing any more."""
EVENTS_A_MESSAGE: Final = 20
LEAST_EVENTS: Final = 20_000
"""Most events that a room keeps, for each message to keep and as a minimum: joins, edits and the like count as well."""
TRIM_EVENTS: Final = 2_000
"""Events that one entry forgets, so that it doesn't hold up the writer for long."""

_LOG = structlog.get_logger("chatty")


async def keep_rooms(node: Node, retain_events: int, retain_age_ms: int) -> None:
    """Do the housekeeping every ten seconds."""
    housekeeping = Housekeeping(node, retain_events, retain_age_ms, node.now(), uptime())
    await _attempt(node, check_clock(node.clock, node.reads))
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        node.search.keep_alive()
        await _attempt(node, housekeeping.do(node.now(), uptime()))
        await _attempt(node, check_clock(node.clock, node.reads))


async def _attempt(node: Node, work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - reported, and tried again
        node.report("housekeeping failed; it is tried again", error)


async def check_clock(clock: Clock, reads: Reads) -> None:
    """If the clock may have been ahead, look whether rooms have times that it gave then."""
    question = clock.wants_to_ask()
    if question is not None:
        ahead = await reads.span_since(question.ahead)
        clock.answer(question, await reads.newest_before(question.before) if ahead else 0, ahead)


class Housekeeping:
    """Closes rooms whose time has run out, and forgets data that need not be kept.

    A wrong wall clock must not delete everything. If it is behind, data is deleted later, which does no harm. If it
    jumps ahead, it moves further than the time that has passed, and is not trusted for an hour. Only a clock that
    was ahead from the start can't be told from a right one.
    """

    def __init__(self, node: Node, retain_events: int, retain_age_ms: int, now: int, up: float) -> None:
        """``now`` is the wall clock's time in milliseconds; ``up`` counts seconds, including the machine's sleep.

        ``retain_events`` and ``retain_age_ms`` are 0 for no limit.
        """
        self._node = node
        self._retain_events = retain_events
        self._retain_age_ms = retain_age_ms
        self._now, self._up = now, up
        self._trust_from = up + CLOCK_SECONDS
        self._short: dict[int, int | None] = {}

    async def do(self, now: int, up: float) -> None:
        """Propose everything that is due at ``now``."""
        # How much further the wall clock has moved than time itself.
        ahead = (now - self._now) / 1000 - (up - self._up)
        self._now, self._up = now, up
        if ahead > JUMP_SECONDS:
            self._trust_from = up + DISTRUST_SECONDS
            _LOG.warning(
                "the clock has jumped ahead; if it is wrong, correct it within the hour:"
                " until then nothing is deleted because of its age, and no room is closed",
                seconds=round(ahead),
            )
        # It has jumped back, so somebody has corrected it.
        elif ahead < -JUMP_SECONDS:
            self._trust_from = min(self._trust_from, up + CLOCK_SECONDS)
        if self._node.log.rank("") > 0:
            return  # it is another node's turn
        if self._retain_events:
            self._short = await _trim_to(self._node, self._retain_events, self._short)
        if up >= self._trust_from:
            await _by_the_clock(self._node, now, self._retain_age_ms)


async def _by_the_clock(node: Node, now: int, retain_age_ms: int) -> None:
    for room_id in await node.reads.expired_rooms(now):
        await node.log.commit(ExpireRoom(room_id, now))
    # A closed room stays readable for a day. Its events go first, a part at a time, and the room itself last.
    for room_id, key in await node.reads.rooms_closed_by(now - CLOSED_KEPT_MS):
        await _trim(node, room_id, key, await node.reads.last(key) + 1)
        await node.log.commit(PurgeRoom(room_id, now, now - CLOSED_KEPT_MS))
    producers_before, idempotency_keys_before = now - PRODUCERS_KEPT_MS, now - IDEMPOTENCY_KEYS_KEPT_MS
    rights_before = now - RIGHTS_KEPT_MS
    if await node.reads.has_older(producers_before, idempotency_keys_before, rights_before):
        await node.log.commit(Forget("", now, producers_before, idempotency_keys_before, rights_before))
    if retain_age_ms:
        since = max(0, now - retain_age_ms)
        for room_id, key, first in await node.reads.rooms_with_events_before(since):
            keep_from = await node.reads.first_since(key, first, since)
            if keep_from > first:
                await _trim(node, room_id, key, keep_from)


async def _trim_to(node: Node, messages: int, short: dict[int, int | None]) -> dict[int, int | None]:
    """Keep the newest ``messages`` of each room. Gives the rooms that had no more than that, and their newest events.

    ``short`` is the previous result: a room is not looked at again if nothing has happened there since.
    """
    still_short: dict[int, int | None] = {}
    for room_id, key, first, newest in await node.reads.newest_events():
        if short.get(key) != newest:
            # Everything before the oldest message to keep, and everything beyond the limit on events, goes.
            keep_from = await node.reads.before_newest_messages(key, messages) + 1
            most = max(messages * EVENTS_A_MESSAGE, LEAST_EVENTS)
            keep_from = max(keep_from, await node.reads.last(key) - most + 1)
            if keep_from > first:
                await _trim(node, room_id, key, keep_from)
                continue
        still_short[key] = newest
    return still_short


async def _trim(node: Node, room_id: str, key: int, first: int) -> None:
    """Forget the events below ``first``, a part at a time. If the disk is full, housekeeping comes back to it."""
    while True:
        part = await node.reads.after_oldest(key, TRIM_EVENTS, below=first)
        outcome = await node.log.commit(TrimRoom(room_id, node.now(), first if part is None else part))
        if part is None or isinstance(outcome, Rejection):
            return
