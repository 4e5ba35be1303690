"""Machines speak and people come and go, and one's own screen stays calm."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatty.cli.join.window.screen import Painter
from chatty.cli.terminal.width import width
from chatty.events import Happening, Message, MessageEdited, ParticipantJoined, ParticipantLeft, TopicChanged
from chatty.protocol import Live, Send
from tests.cli.join.talk import NOON, Talk, by, talking, welcome


def ci(seq: int, text: str, to: int = 0) -> Message:
    return Message(seq, NOON, "ci", text, reply_to=to, automatic=1)


def rows(talk: Talk) -> list[str]:
    return [row.plain for row in talk.conversation.rows(80)]


def joined(*names: str) -> list[Happening]:
    return [ParticipantJoined(seq, NOON, name) for seq, name in enumerate(names, 1)]


# --- messages that change ---------------------------------------------------------------------------------------


async def test_a_minute_of_a_running_command_is_one_row_and_then_its_result() -> None:
    async with talking() as talk:
        await talk.sees(ci(1, "▶ `make`"))
        for number in range(30):
            talk.time += 2
            await talk.sees(MessageEdited(2 + number, NOON, "ci", 1, f"▶ `make` · {number} s\n```\nline {number}\n```"))
            assert rows(talk) == [f"▶ ci  make · {number} s · line {number}"]
            assert talk.conversation.ticking
        await talk.sees(ci(40, "✔ `make`: done", to=1), MessageEdited(41, NOON, "ci", 1, "▶ `make`"))
        talk.time += 60
        assert [line.split("│ ")[-1] for line in talk.lines() if "│" in line] == ["▶ `make`", "✔ `make`: done"]
        assert rows(talk) == []
        assert not talk.conversation.ticking


async def test_in_a_window_of_another_size_an_author_is_named_again() -> None:
    async with talking() as talk:
        talk.conversation.fit(80)
        await talk.sees(by("Ada", 1, "wide"))
        talk.conversation.fit(40)
        await talk.sees(by("Ada", 2, "narrow"))
        assert talk.lines()[-1].endswith("Ada\n  narrow")


@pytest.mark.parametrize("columns", [30, 60, 80])
async def test_a_minute_of_a_running_command_leaves_twelve_rows_at_most(columns: int) -> None:
    async with talking() as talk:
        talk.conversation.fit(columns)
        await talk.gets(ci(1, "▶ `make release`"))
        lines = talk.conversation.take()
        for number in range(30):
            talk.time += 2
            block = "\n".join(f"step {6 * number + step}: compiling" for step in range(10))
            await talk.gets(MessageEdited(2 + number, NOON, "ci", 1, f"▶ `make release` · 9 s\n```\n{block}\n```"))
            lines += talk.conversation.take()
            for row in talk.conversation.rows(columns):
                assert width(row.plain) <= columns
        talk.conversation.pressed()
        block = "\n".join(f"step {step}: {'long ' * 20}" for step in range(195, 200))
        await talk.gets(ci(40, f"✔ `make release`: done in 1 min 0 s\n```\n{block}\n```", to=1))
        await talk.gets(MessageEdited(41, NOON, "ci", 1, "▶ `make release`"))
        lines += talk.conversation.take(last=True)
        *_, rest = Painter(color=False, styles=False).paint(lines, columns).partition(" 2026 ──\n")
        assert 0 < rest.count("\n") <= 12, rest


async def test_what_became_of_a_message_is_shown_when_nothing_more_comes_or_one_leaves() -> None:
    async with talking() as talk:
        await talk.sees(ci(1, "0 %"), ci(2, "begun"), MessageEdited(3, NOON, "ci", 1, "10 %"))
        talk.time += 10
        assert talk.lines()[-1] == "12:00 ✎       ci │ 10 %"
        await talk.sees(MessageEdited(4, NOON, "ci", 2, "on"))
        assert "on" not in talk.lines()[-1]
        assert [line.plain for line in talk.conversation.take(last=True)][-1].endswith("│ on")


async def test_a_command_about_a_message_that_changes_is_about_what_was_on_the_screen() -> None:
    async with talking() as talk:
        await talk.sees(ci(1, "0 %"), MessageEdited(2, NOON, "ci", 1, "10 %"))
        talk.types("/reply fine")
        assert await talk.says("/reply fine") == Send("fine", reply_to=1)


# --- those who come and go --------------------------------------------------------------------------------------


async def test_those_who_come_and_go_are_one_row_until_somebody_speaks() -> None:
    async with talking() as talk:
        await talk.sees(*joined("Bob", "Carol"))
        await talk.sees(ParticipantLeft(3, NOON, "Dave", "left"))
        assert talk.shown == []
        assert rows(talk) == ["12:00          → Bob, Carol joined · Dave left"]
        await talk.sees(by("Bob", 4))
        assert talk.shown[1:] == ["12:00          → Bob, Carol joined · Dave left", "12:00        Bob │ hello"]
        assert rows(talk) == []


async def test_they_are_shown_in_time_even_if_nobody_speaks_and_before_a_line_of_chattys_own() -> None:
    async with talking() as talk:
        await talk.sees(*joined("Bob"))
        assert talk.conversation.ticking
        talk.time += 9
        assert talk.lines() == []
        talk.time += 1
        assert talk.lines()[-1].endswith("→ Bob joined")
        assert not talk.conversation.ticking
        await talk.sees(*joined("Carol"))
        talk.conversation.enter("/topic")
        assert [line.split()[-1] for line in talk.lines()[-2:]] == ["joined", "one"]


async def test_a_flap_is_not_shown() -> None:
    async with talking() as talk:
        await talk.sees(*joined("Bob"), ParticipantLeft(2, NOON, "bob", "lost"))
        assert rows(talk) == []
        await talk.sees(TopicChanged(3, NOON, "Ada", "x"), *joined("Carol", "Bob"))
        assert rows(talk) == ["12:00          → Carol, Bob joined"]
        assert len(talk.lines()) == 2  # the day, and the topic


async def test_a_flood_of_them_is_shown_in_between() -> None:
    async with talking() as talk:
        await talk.sees(*joined(*(f"g{n}" for n in range(300))))
        assert talk.lines()[-1].endswith("→ g0, g1, 298 others joined")


async def test_whoever_was_here_for_long_without_a_word_comes_and_goes_unnoticed() -> None:
    def at(minute: int, event: Happening) -> Happening:
        return replace(event, seq=minute, at=f"2026-11-23T12:{minute:02}:00.000Z")

    async with talking(live=False) as talk:
        talk.link.gives(replace(welcome(), participants=["Mute", "John"], participant_count=2))
        await talk.sees(at(0, ParticipantJoined(0, NOON, "Bob")), Live(0))
        await talk.sees(at(1, ParticipantJoined(1, NOON, "New")), at(25, by("Bob", 1)))
        await talk.sees(at(31, ParticipantLeft(31, NOON, "Mute", "left")))
        await talk.sees(at(32, ParticipantLeft(32, NOON, "New", "left")))
        await talk.sees(at(33, ParticipantLeft(33, NOON, "Bob", "left")))
        await talk.sees(at(34, by("Ada", 34)))
        assert [line[15:] for line in talk.shown if "joined" in line or "left" in line] == [
            "→ Bob, New joined",
            "← Bob left",
        ]


async def test_joins_are_all_shown_or_none_if_one_wants_that() -> None:
    async with talking() as talk:
        hidden = talk.conversation.incoming.hidden
        await talk.hears(*joined("Bob"))
        late = ParticipantLeft(5, "2026-11-23T13:00:00.000Z", "Bob", "left")
        assert hidden.hides(late)
        hidden.joins = "all"
        assert not hidden.hides(late)
        hidden.joins = "none"
        assert hidden.hides(ParticipantJoined(6, NOON, "Carol"))


# --- where one stopped reading ----------------------------------------------------------------------------------


async def test_for_somebody_who_is_away_the_first_new_line_has_a_mark_above_it_that_stays() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1, "seen"))
        talk.time += 60
        await talk.sees(by("John", 2, "mine"), by("Bob", 3, "one"))
        await talk.sees(by("Bob", 4, "two"))
        talk.conversation.pressed()
        await talk.sees(by("Bob", 5, "three"))
        assert talk.lines()[-5:-3] == ["12:00       John │ mine", "── new since 12:00 ──"]
        assert sum("new since" in line for line in talk.shown) == 1
        talk.time += 60
        await talk.sees(by("Bob", 6, "four"))
        assert talk.shown[-2:] == ["── new since 12:00 ──", "12:00        Bob │ four"]


async def test_an_edit_that_mentions_is_marked_and_no_other() -> None:
    async with talking() as talk:
        await talk.hears(by("Bob", 1, "helo"), by("Eve", 2, "x"))
        talk.time += 60
        await talk.sees(MessageEdited(3, NOON, "Bob", 1, "hello"))
        assert not any("new since" in line for line in talk.shown)
        await talk.sees(MessageEdited(4, NOON, "Eve", 2, "@John x"))
        assert talk.shown[-2] == "── new since 12:00 ──"


async def test_the_count_of_mentions_stays_until_a_key() -> None:
    async with talking() as talk:
        talk.time += 60
        await talk.sees(by("Bob", 1, "@john ping"))
        talk.time += 3_600
        talk.lines()
        assert "· 1 mention ·" in talk.status()
        talk.conversation.pressed()
        assert "mention" not in talk.status()
