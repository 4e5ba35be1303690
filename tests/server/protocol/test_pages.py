"""A page of history is no larger than it should be, however large the messages are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.asking import ask
from tests.support.server import Server

MESSAGES = 25
PAGE_BYTES = 1024 * 1024
LONGEST = "\0" * 16_000
"""JSON makes six bytes of each character."""


@pytest.fixture(scope="module")
def large_room(server: Server) -> str:
    """A room with more than two pages' worth of messages, though they are few."""
    room: str = server.make_room("large")["id"]
    for number in range(MESSAGES):
        text = f"large {number} {LONGEST}"
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "ci", "text": text})
    return room


def page(server: Server, room: str, query: str) -> Any:
    answer = ask(server, "GET", f"/v1/rooms/{room}/events?limit=500{query}")
    assert answer.status == 200
    assert len(answer.body) < PAGE_BYTES + len(LONGEST) * 6 + 1_000  # the event that makes a page full belongs to it
    return answer.json


@pytest.mark.parametrize("which", ["", "&type=message", "&q=large", "&from=ci"])
def test_paging_forward_gives_each_event_once_though_pages_end_early(
    server: Server, large_room: str, which: str
) -> None:
    found: list[int] = []
    pages, more = 0, True
    while more:
        it = page(server, large_room, f"{which}&after={found[-1] if found else 0}")
        found += [event["seq"] for event in it["events"]]
        pages, more = pages + 1, it["more"]
    assert found == list(range(1, MESSAGES + 1))
    assert pages == 3


@pytest.mark.parametrize("which", ["", "&type=message", "&q=large", "&from=ci"])
def test_paging_backward_gives_each_event_once_though_pages_end_early(
    server: Server, large_room: str, which: str
) -> None:
    found: list[int] = []
    pages, more = 0, True
    while more:
        it = page(server, large_room, f"{which}&before={found[0] if found else MESSAGES + 1}")
        found[:0] = [event["seq"] for event in it["events"]]
        pages, more = pages + 1, it["more"]
    assert found == list(range(1, MESSAGES + 1))
    assert pages == 3
