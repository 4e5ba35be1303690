"""Chatty's own lines: what a room is entered with, what is new, a mention elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

from chatty.cli.join.rendering.view import head, mention_elsewhere, news, skipped

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def since(when: datetime) -> str:
    return news(12, when, utc, NOW).plain


def test_a_room_is_entered_with_its_topic_and_the_people_that_are_here() -> None:
    line = head("deploys", "what goes out when", ["John", "ci", "Ada"], 3)
    assert line.plain == "━━ #deploys · what goes out when · 3 here: Ada, ci, John ━━"
    assert head("deploys", "", ["Ada"], 1).plain == "━━ #deploys · 1 here: Ada ━━"
    assert head("deploys", "", [], 3).plain == "━━ #deploys · 3 here ━━"


def test_a_crowd_that_is_here_is_counted() -> None:
    assert head("ops", "", [f"g{n:02}" for n in range(30)], 1_012).plain.endswith("g06, g07, 1,004 more ━━")


def test_what_is_new_says_since_when_in_as_few_words_as_it_takes() -> None:
    assert since(NOW.replace(hour=8, minute=2)) == "── 12 new since 08:02 ──"
    assert since(NOW.replace(day=27, hour=18)) == "── 12 new since yesterday 18:00 ──"
    assert since(NOW.replace(day=23, hour=18)) == "── 12 new since Monday 23 November 18:00 ──"
    assert since(NOW.replace(year=2025)) == "── 12 new since Friday 28 November 2025 09:00 ──"


def test_what_is_new_says_only_what_is_known() -> None:
    assert news(0, NOW, utc, NOW).plain == "── new since 09:00 ──"
    assert news(1_200, None, utc, NOW).plain == "── 1,200 new ──"
    assert news(0, None, utc, NOW).plain == "── new ──"


def test_a_mention_elsewhere_is_one_row_that_says_where_and_how_to_go_there() -> None:
    assert mention_elsewhere("ops", "Ada", "@John\nping", "Alt-2").plain == "!! #ops  Ada: @John ping  (Alt-2)"
    assert mention_elsewhere("ops", "Ada", "@John " + "x" * 99).plain.endswith("x…")


def test_what_is_left_out_names_the_command_that_shows_it() -> None:
    assert skipped(1_712).plain == "… 1,712 skipped · /history 1812"


def test_words_of_others_in_these_lines_command_no_terminal_and_begin_no_line() -> None:
    bad = "x\x1b[2J\n12:00 bob │ hi\x9b"
    for line in (head(bad, bad, [bad], 1), mention_elsewhere(bad, bad, bad, "Alt-2")):
        assert not {"\n", "\x1b", "\x9b"} & set(line.plain)
