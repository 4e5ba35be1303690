"""Barriers: shared by those who wait, never left hanging, and only passed by one that was sent after the question."""

from __future__ import annotations

import asyncio

import pytest

from chatty.errors import Refused
from chatty.server.business.entries import Rejection
from chatty.server.platform.pipeline.log.jetstream.barriers import Barriers
from chatty.server.platform.pipeline.log.protocol import Reply

LONG = 60.0


async def test_all_who_ask_while_one_is_under_way_share_the_next() -> None:
    sent: list[Reply] = []
    barriers = Barriers(sent.append)
    barriers.open()
    first = asyncio.ensure_future(barriers.wait(LONG))
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(barriers.wait(LONG)) for _ in range(3)]
    await asyncio.sleep(0)
    assert len(sent) == 1
    sent[0](())
    await first
    assert len(sent) == 2
    assert not any(other.done() for other in others)
    sent[1](())
    await asyncio.gather(*others)
    assert len(sent) == 2


async def test_one_whose_incarnation_has_ended_says_nothing_and_the_next_one_does() -> None:
    sent: list[Reply] = []
    barriers = Barriers(sent.append)
    barriers.open()
    first = asyncio.ensure_future(barriers.wait(LONG))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(barriers.wait(LONG))
    await asyncio.sleep(0)
    barriers.shut()
    sent[0](Rejection("unavailable"))
    with pytest.raises(Refused, match="cluster's log"):
        await first
    assert len(sent) == 1
    barriers.open()
    sent[1](())
    await second


async def test_who_waits_for_too_long_is_refused_and_holds_up_nobody() -> None:
    sent: list[Reply] = []
    barriers = Barriers(sent.append)
    barriers.open()
    with pytest.raises(Refused) as refused:
        await barriers.wait(0.01)
    assert refused.value.code == "unavailable"
    with pytest.raises(Refused):
        await barriers.wait(0.01)
    sent[0](())  # of those who asked meanwhile, nobody waits any more
    assert len(sent) == 1
    last = asyncio.ensure_future(barriers.wait(LONG))
    await asyncio.sleep(0)
    sent[1](())
    await last
