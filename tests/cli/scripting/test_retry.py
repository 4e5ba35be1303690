"""What must be said is said again until somebody has understood it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import pytest

from chatty.cli.scripting import retry as speaking
from chatty.cli.scripting.retry import persistently, receipt
from chatty.errors import ChattyError, ProtocolError, Refused, Unreachable


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "_FIRST_PAUSE", 0.0)


def failing(*errors: ChattyError) -> Callable[[], Awaitable[str]]:
    """Raises one after the other, and then gives something."""
    left = list(errors)

    async def attempt() -> str:
        if left:
            raise left.pop(0)
        return "said"

    return attempt


async def test_a_server_that_is_away_and_a_proxys_mistakes_are_passed_over() -> None:
    troubles = (Unreachable("http://here", "timed out"), ProtocolError("500"), Refused("unavailable"))
    assert await persistently(failing(*troubles * 3)) == "said"


async def test_what_never_makes_sense_is_no_chatty_server() -> None:
    with pytest.raises(ProtocolError):
        await persistently(failing(*[ProtocolError("<html>")] * 10))


@pytest.mark.parametrize("error", [Unreachable("http://here", "refused"), ProtocolError("<html>")])
async def test_who_does_not_want_to_wait_is_told_at_once(error: ChattyError) -> None:
    with pytest.raises(type(error)):
        await persistently(failing(error), wait=-1.0)


def test_receipts_differ_where_names_of_files_do() -> None:
    assert len({receipt(os.fsdecode(name)) for name in (b"cursor", b"cursor\xfe", b"cursor\xff")}) == 3
    assert receipt("a", "bc") != receipt("ab", "c")


async def test_a_refusal_is_final() -> None:
    with pytest.raises(Refused):
        await persistently(failing(Refused("room_closed")))
