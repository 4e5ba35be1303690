"""A request is repeated until it has succeeded, or will not."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import pytest

from chatty.cli.scripting import retry as retry_module
from chatty.cli.scripting.retry import idempotency_key, retry
from chatty.errors import ChattyError, ProtocolError, Refused, Unreachable


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_module, "_FIRST_PAUSE", 0.0)


def failing(*errors: ChattyError) -> Callable[[], Awaitable[str]]:
    """Raises one after the other, and then gives something."""
    left = list(errors)

    async def attempt() -> str:
        if left:
            raise left.pop(0)
        return "said"

    return attempt


async def test_a_server_that_is_away_and_a_proxys_mistakes_are_passed_over() -> None:
    away = (Unreachable("http://here", "timed out"), ProtocolError("500"))
    troubles = (*away, Refused("unavailable"), Refused("uncertain"))
    assert await retry(failing(*troubles * 2)) == "said"


async def test_what_never_makes_sense_is_no_chatty_server() -> None:
    with pytest.raises(ProtocolError):
        await retry(failing(*[ProtocolError("<html>")] * 10))


@pytest.mark.parametrize("error", [Unreachable("http://here", "refused"), ProtocolError("<html>")])
async def test_without_a_time_to_wait_the_first_failure_counts(error: ChattyError) -> None:
    with pytest.raises(type(error)):
        await retry(failing(error), wait=0.0)


async def test_an_unreachable_server_that_waiting_does_not_bring_nearer_is_not_waited_for() -> None:
    with pytest.raises(Unreachable):
        await retry(failing(Unreachable("http://here", "HTTP_PROXY is socks5://p", because="proxy", lasting=True)))


async def test_a_server_that_asks_for_more_patience_than_there_is_is_not_waited_for() -> None:
    with pytest.raises(Refused):
        await retry(failing(Refused("rate_limited", retry_after=600.0)), wait=0.0)


async def test_the_last_attempt_comes_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_module, "_FIRST_PAUSE", 600.0)
    assert await retry(failing(Unreachable("http://here", "refused")), wait=0.01) == "said"


def test_idempotency_keys_differ_where_names_of_files_do() -> None:
    assert len({idempotency_key(os.fsdecode(name)) for name in (b"cursor", b"cursor\xfe", b"cursor\xff")}) == 3
    assert idempotency_key("a", "bc") != idempotency_key("ab", "c")


async def test_a_refusal_is_final() -> None:
    with pytest.raises(Refused):
        await retry(failing(Refused("room_closed")))


async def test_a_slow_room_is_waited_for_as_long_as_it_says() -> None:
    attempts = 0

    async def attempt() -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise Refused("too_fast", retry_after=0.001)
        return "said"

    assert await retry(attempt, wait=0.0, transient=0.0) == "said"
