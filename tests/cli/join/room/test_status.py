from __future__ import annotations

import pytest

from chatty.cli.join.room.status import Status, fragments


def shown(status: Status, now: float = 0.0) -> str:
    return "".join(text for _, text in fragments(status, now))


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (Status("connected", room="general", online=4), " ● connected · #general · 4 online · /help"),
        (Status("connecting"), " ◐ connecting · /help"),
        (Status("reconnecting", attempt=3, retry_at=103.2), " ○ reconnecting in 4 s (3) · /help"),
        (Status("reconnecting", attempt=3, retry_at=99.0), " ○ reconnecting now (3) · /help"),
        (Status("reconnecting", attempt=1, retry_at=101.0, waiting=2), " ○ reconnecting in 1 s (1), 2 waiting · /help"),
        (Status("offline", waiting=2), " ✕ offline, 2 waiting · /help"),
        (Status("connected", waiting=2), " ● connected · /help"),
        (
            Status("connected", room="general", online=4, mentions=2, typing="Ada is typing…"),
            " ● connected · #general · 4 online · 2 mentions · Ada is typing… · /help",
        ),
        (Status("connected", waiting=1, slow_until=107.2), " ● connected · slow mode: 8 s · /help"),
        (Status("connected", waiting=1, slow_until=99.0), " ● connected · /help"),
        (Status("connected", slow_until=107.2), " ● connected · /help"),
        (Status("connected", mentions=1), " ● connected · 1 mention · /help"),
        (Status("connected", hint="^C again to leave"), " ● connected · ^C again to leave"),
    ],
)
def test_the_status_line_has_a_glyph_and_a_word(status: Status, line: str) -> None:
    assert shown(status, now=100.0) == line


def test_a_number_that_is_no_longer_true_is_not_shown() -> None:
    assert "online" not in shown(Status("reconnecting", room="general", online=4))


def test_a_rooms_name_cannot_reach_the_terminal() -> None:
    line = shown(Status("connected", room="a\x1b]0;b\x07\nc"))
    assert line.isprintable()
