"""The same entries give the same database, the same outcomes and the same events, in any batches."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatty.server.business.entries import (
    Connect,
    CorrectTimes,
    CreateRoom,
    Entry,
    Post,
    React,
    Rejection,
    Restrict,
    SetPolicy,
    Target,
)
from chatty.server.business.rights import OPERATOR, OWNER
from chatty.server.memory_limit import PLENTY, Budget
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.schema import ROOM_BITS
from tests.server.principals import speaker
from tests.server.random_entries import CONNECTIONS, CORRECTIONS, IDENTITIES, ROOMS, entries

FORGETFUL = PLENTY._replace(rooms=1)
"""With so little memory, nearly everything is loaded again for each batch."""


def _fail(error: BaseException) -> None:
    raise AssertionError("a rule failed") from error


def _apply(
    batches: Sequence[Sequence[Entry]], *, reopen: bool, budget: Budget = PLENTY
) -> tuple[list[Any], list[Any], list[str]]:
    """The results of the batches: outcomes, events, and all rows."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "chatty.db"
        store = Store(path, on_error=_fail, budget=budget)
        store.open()
        outcomes: list[Any] = []
        delivered: dict[str, list[Any]] = {}
        for batch in batches:
            applied = store.apply(batch)
            outcomes += applied.outcomes
            for room, events in applied.events.items():
                delivered.setdefault(room, []).extend(events)
            if reopen:
                store.close()
                store = Store(path, on_error=_fail)
                store.open()
        store.close()
        db = sqlite3.connect(path)
        rows = list(db.iterdump())
        db.close()
    return outcomes, sorted(delivered.items()), rows


@settings(max_examples=40, deadline=None)
@given(
    entries=st.lists(entries() | CORRECTIONS, min_size=1, max_size=40), cuts=st.lists(st.integers(1, 39), max_size=6)
)
def test_batches_and_restarts_make_no_difference(entries: list[Entry], cuts: list[int]) -> None:
    first: list[Entry] = [
        CreateRoom(room, 1_700_000_000_000, room, "", "epoch", b"a" * 32) for room in ROOMS[:2]
    ]  # fmt: skip
    entries = first + entries
    bounds = [0, *sorted(set(cuts)), len(entries)]
    parts = [entries[low:high] for low, high in pairwise(bounds) if low < high]
    whole = _apply([entries], reopen=False)
    assert _apply(parts, reopen=False) == whole
    assert _apply([[entry] for entry in entries], reopen=False, budget=FORGETFUL) == whole
    assert _apply(parts, reopen=True) == whole


@settings(max_examples=60, deadline=None)
@given(st.lists(entries(), min_size=1, max_size=60))
def test_a_room_numbers_its_events_without_a_hole_and_its_time_never_runs_backwards(entries: list[Entry]) -> None:
    _, delivered, _ = _apply([entries], reopen=False)
    for _, events in delivered:
        starts = [index for index, (seq, _, _) in enumerate(events) if seq == 1]  # a purged room may be made again
        for low, high in zip(starts, [*starts[1:], len(events)], strict=True):
            life = events[low:high]
            assert [seq for seq, _, _ in life] == list(range(1, len(life) + 1))
            assert [event.at for _, _, event in life] == sorted(event.at for _, _, event in life)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries() | CORRECTIONS, min_size=1, max_size=60))
def test_what_is_stored_never_runs_backwards_also_where_a_clock_was_wrong(entries: list[Entry]) -> None:
    _, _, rows = _apply([entries], reopen=False)
    events = re.findall(r"""INSERT INTO "events" VALUES\((\d+),.*?226174223A22(.{48})""", "\n".join(rows))
    assert len(events) == sum('INSERT INTO "events"' in row for row in rows)
    stored: dict[int, list[str]] = {}
    for key, at in events:
        stored.setdefault(int(key) >> ROOM_BITS, []).append(bytes.fromhex(at).decode())
    assert all(times == sorted(times) for times in stored.values())


@pytest.mark.parametrize("ban_first", [True, False])
def test_a_ban_and_a_post_have_one_order_in_batches_of_any_size(*, ban_first: bool) -> None:
    eve, at = speaker("eve", IDENTITIES[0]), 1_700_000_000_000
    ban = Restrict("alpha", at, OPERATOR, "r1", Target("eve", "eve"), OWNER)
    post = Post("alpha", at, eve, "before", connection=CONNECTIONS[0])
    entries = [
        CreateRoom("alpha", at, "alpha", "", "epoch", b"a" * 32),
        Connect("alpha", at, CONNECTIONS[0], eve),
        *((ban, post) if ban_first else (post, ban)),
        Post("alpha", at, eve, "after"),
    ]
    whole = _apply([entries], reopen=False)
    for cuts in range(1 << (len(entries) - 1)):  # every way to cut them into batches
        batches: list[list[Entry]] = [[]]
        for place, entry in enumerate(entries):
            batches[-1].append(entry)
            if cuts >> place & 1:
                batches.append([])
        assert _apply(batches, reopen=False) == whole
    outcomes, events, _ = whole
    assert outcomes[-1] == Rejection("banned")
    kinds = [type(event).__name__ for _, _, event in events[0][1]]
    assert kinds == ["ParticipantJoined", *([] if ban_first else ["Message"]), "Moderated", "ParticipantLeft"]


@pytest.mark.parametrize("slow", [0, 10_000])
def test_slow_mode_refuses_the_same_in_batches_of_any_size_and_after_a_restart(slow: int) -> None:
    eve, bob, at = speaker("eve", IDENTITIES[0]), speaker("bob", IDENTITIES[1]), 1_700_000_000_000
    entries: list[Entry] = [
        CreateRoom("alpha", at, "alpha", "", "epoch", b"a" * 32),
        SetPolicy("alpha", at, OPERATOR, slow=slow),
        Post("alpha", at, eve, "first"),
        Post("alpha", at + 1, bob, "other"),
        React(room="alpha", at=at + 2, who=eve, of=2, reaction="-1"),
        React(room="alpha", at=at + 3, who=eve, of=2, reaction="+1"),
        Post("alpha", at + 9_999, eve, "too fast"),
        CorrectTimes("", at + 9_999, at, 5_000),
        Post("alpha", at + 10_000, eve, "in time, or not any more"),
    ]
    whole = _apply([entries], reopen=False)
    for size in range(1, len(entries)):
        batches = [entries[begin : begin + size] for begin in range(0, len(entries), size)]
        assert _apply(batches, reopen=True) == whole
        assert _apply(batches, reopen=False, budget=FORGETFUL) == whole
    refused = [outcome.code for outcome in whole[0] if isinstance(outcome, Rejection)]
    assert refused == (["too_fast", "too_fast"] if slow else [])
