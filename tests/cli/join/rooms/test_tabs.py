"""The status line."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatty.cli.join.room.status import Status
from chatty.cli.join.rooms.tabs import Tab, fragments, listed
from chatty.cli.terminal.width import width

DEPLOYS = Tab(Status("connected", room="deploys", online=3), front=True)
OPS = Tab(Status("connected", room="ops", online=2), unread=4, mentions=1)
GENERAL = Tab(Status("connected", room="general", online=9), unread=14)
QUIET = Tab(Status("connected", room="quiet", online=1))


def shown(*tabs: Tab, now: float = 0.0, columns: int = 120) -> str:
    return "".join(text for _, text in fragments(tabs, now, columns))


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
    assert shown(Tab(status, front=True), now=100.0) == line


def test_several_rooms_have_numbers_and_how_much_is_new_there() -> None:
    assert shown(DEPLOYS, OPS, GENERAL, QUIET) == (
        " ● 1 #deploys (3 online) · 2 #ops !1 · 3 #general 14 · 4 #quiet · /help"
    )


def test_a_connection_that_is_lost_is_told_of_each_room() -> None:
    lost = replace(OPS, status=Status("reconnecting", room="ops", attempt=1, retry_at=4))
    assert shown(DEPLOYS, lost) == " ● 1 #deploys (3 online) · 2 #ops ○ !1 · /help"
    front = replace(lost, front=True)
    assert shown(replace(DEPLOYS, front=False), front) == " ○ reconnecting in 4 s (1) · 1 #deploys · 2 #ops !1 · /help"


def test_of_too_many_rooms_those_with_news_are_shown() -> None:
    line = shown(DEPLOYS, *[QUIET] * 6, OPS, *[QUIET] * 4, columns=70)
    assert "1 #deploys (3 online)" in line
    assert "8 #ops !1" in line
    assert "/help" in line
    assert " · +" in line
    assert width(line) <= 70


def test_rooms_that_fit_are_all_shown() -> None:
    assert shown(DEPLOYS, OPS, columns=48) == " ● /help · 1 #deploys (3 online) · 2 #ops !1"


@pytest.mark.parametrize("columns", [*range(12, 100)])
def test_it_never_takes_a_second_row(columns: int) -> None:
    assert width(shown(DEPLOYS, OPS, GENERAL, columns=columns)) <= columns
    assert width(shown(Tab(Status("connected", room="deploys", online=3), front=True), columns=columns)) <= columns


def test_in_a_narrow_window_hints_come_before_names() -> None:
    hinted = replace(DEPLOYS, status=replace(DEPLOYS.status, hint="^C again to leave"))
    assert shown(hinted, OPS, columns=40).startswith(" ● ^C again to leave · 1 #deploys")


def test_a_number_that_is_no_longer_true_is_not_shown() -> None:
    assert "online" not in shown(Tab(Status("reconnecting", room="general", online=4), front=True))


def test_a_rooms_name_cannot_reach_the_terminal() -> None:
    bad = "a\x1b]0;b\x07\nc"
    assert shown(Tab(Status("connected", room=bad), front=True)).isprintable()
    assert shown(DEPLOYS, Tab(Status("connected", room=bad))).isprintable()
    assert all(line.isprintable() for line in listed([DEPLOYS, Tab(Status("connected", room=bad))]))


def test_a_hint_that_finds_no_room_behind_the_names_stands_before_them() -> None:
    hint = "Enter: reply · Alt-R react, E edit, D delete, Y copy · Esc"
    alone = replace(DEPLOYS, status=replace(DEPLOYS.status, hint=hint))
    assert shown(alone, columns=80).startswith(f" ● connected · {hint} · ")
    assert shown(alone, columns=120).endswith(hint)
    many = shown(alone, OPS, GENERAL, columns=80)
    assert hint in many
    assert width(many) <= 80
