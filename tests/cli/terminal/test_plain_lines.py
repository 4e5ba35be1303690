"""What `tail` prints for a person: a line for everything, and no line that somebody else could have made up."""

from __future__ import annotations

from datetime import UTC, date

from hypothesis import given
from hypothesis import strategies as st

import chatty
from chatty.cli.terminal.plain_lines import Plain
from chatty.events import (
    Happening,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantLeft,
    ParticipantRenamed,
    Reaction,
    RoomClosed,
    TopicChanged,
)
from tests.cli.user import User
from tests.support.server import Server

NOON = "2026-11-23T12:00:00.000Z"


def printed(*events: Happening) -> list[str]:
    plain = Plain(date(2026, 11, 23), lambda moment: moment.astimezone(UTC))
    return [line for event in events for line in plain.lines(event)]


def test_an_action_an_answer_and_what_became_of_them() -> None:
    assert printed(
        Message(1, NOON, "dave", "waves\nat all", action=True),
        Message(2, NOON, "alice", "hello", reply_to=1, edited=4, reactions={"👍": 2, "🎉": 1}),
        Message(3, NOON, "bob", "hm", reply_to=99),
        MessageEdited(4, NOON, "alice", 2, "hello"),
        MessageEdited(5, NOON, "alice", 2, "hello\nyou"),
        Message(6, NOON, "carol", "", deleted=7),
        MessageDeleted(7, NOON, "carol", 6),
        MessageDeleted(8, NOON, "bob", 3),
    ) == [
        "12:00  * dave waves",
        "              │ at all",
        "12:00  ↪ dave: waves at all",
        "12:00  alice │ hello (edited)",
        "12:00  -- 👍 2  🎉 1",
        "12:00  ↪ #99",
        "12:00  bob │ hm",
        "12:00  ✎ alice │ hello",
        "               │ you",
        "12:00  -- carol: (deleted)",
        "12:00  -- bob deleted #3 (12:00)",
    ]


def test_what_arrives_in_colour_is_printed_without() -> None:
    text = "\x1b[1;31mred\x1b[0m\r\nx\ry\x1b[2J"
    assert printed(
        Message(1, NOON, "ci", text), MessageEdited(2, NOON, "ci", 1, text), Message(3, NOON, "bob", "?", reply_to=1)
    ) == [
        "12:00  ci │ red",
        "          │ x␍y␛[2J",
        "12:00  ✎ ci │ red",
        "            │ x␍y␛[2J",
        "12:00  ↪ ci: red x y␛[2J",
        "12:00  bob │ ?",
    ]


def test_an_edit_of_an_action_is_an_action_where_it_is_known() -> None:
    assert printed(
        Message(1, NOON, "dave", "wavse", action=True),
        MessageEdited(2, NOON, "dave", 1, "waves\nat all"),
        MessageEdited(4, NOON, "dave", 3, "nods"),
    )[1:] == ["12:00  ✎ * dave waves", "                │ at all", "12:00  ✎ dave │ nods"]


def test_reactions_topics_names_and_the_end() -> None:
    assert printed(
        Message(1, NOON, "alice", "lunch?"),
        Reaction(2, NOON, "bob", 1, "👍"),
        Reaction(3, NOON, "bob", 1, "👍", removed=True),
        TopicChanged(4, NOON, "bob", "lunch"),
        TopicChanged(5, NOON, "bob", ""),
        ParticipantRenamed(6, NOON, "bob", "Bob"),
        RoomClosed(7, NOON),
    )[1:] == [
        "12:00  -- bob 👍 → alice: lunch?",
        "12:00  -- bob took back 👍 → alice: lunch?",
        "12:00  -- bob changed the topic: lunch",
        "12:00  -- bob took the topic away",
        "12:00  -- bob is now called Bob",
        "12:00  -- the room is closed",
    ]


def test_a_name_that_older_rooms_have_is_taken_for_no_line_and_no_text() -> None:
    assert printed(
        Message(1, NOON, "Bob │ please run rm -rf /srv", "."),
        Message(2, NOON, "-- Bob deleted a message", "x\ny"),
        Message(3, NOON, "✎ Ada", "waves", reply_to=1, action=True),
        MessageEdited(4, NOON, "Ada: hi", 1, "hello"),
        ParticipantRenamed(5, NOON, "* x", "→ y"),
        ParticipantLeft(6, NOON, "x\u202e", "lost"),
    ) == [
        "12:00  Bob <U+2502> please run rm -rf /srv │ .",
        "12:00  <U+002D>- Bob deleted a message │ x",
        "                                       │ y",
        "12:00  ↪ Bob <U+2502> please run rm -rf /srv: .",
        "12:00  * <U+270E> Ada waves",
        "12:00  ✎ Ada<U+003A> hi │ hello",
        "12:00  -- <U+002A> x is now called <U+2192> y",
        "12:00  -- x<U+202E> left (connection lost)",
    ]


def test_rows_of_a_text_stand_under_each_other_whatever_the_width_of_the_name() -> None:
    first, second = printed(Message(1, NOON, "日本", "one\ntwo"))
    assert (first, second) == ("12:00  日本 │ one", "            │ two")


@given(st.text(), st.text())
def test_nothing_hostile_gets_through_and_no_line_is_made_up(text: str, name: str) -> None:
    lines = printed(
        Message(1, NOON, name, text),
        Message(2, NOON, name, text, reply_to=1, edited=3, reactions={text: 1}),
        MessageEdited(3, NOON, name, 9, text),
        Reaction(4, NOON, name, 1, text),
        TopicChanged(5, NOON, name, text),
        ParticipantRenamed(6, NOON, name, text),
        ParticipantLeft(7, NOON, name, "left"),
    )
    for line in lines:
        assert all(character == "\t" or " " <= character < "\x7f" or character > "\x9f" for character in line)
        assert line.startswith("12:00  ") or line.lstrip(" ").startswith("│ ")


async def test_tail_shows_a_conversation_as_it_is_now(user: User, server: Server, room: str) -> None:
    async with chatty.join(server.url, room, name="Ada", key="secret-of-ada") as ada:
        first = await ada.send("helo")
        second = await ada.send("oops")
        assert first.seq
        assert second.seq
        await ada.send("hi", reply_to=first.seq)
        await ada.send("waves", action=True)
        await ada.react(first.seq, "👍")
        await ada.edit(first.seq, "hello")
        await ada.delete(second.seq)
        await ada.set_topic("greetings")
        await ada.rename("Ada L.")
    lines = user.says("tail", room, "--since", "0", "--no-follow").splitlines()
    assert [line[7:] for line in lines] == [
        "-- Ada joined",
        "Ada │ hello (edited)",
        "-- 👍 1",
        "-- Ada: (deleted)",
        "↪ Ada: hello",
        "Ada │ hi",
        "* Ada waves",
        "-- Ada changed the topic: greetings",
        "-- Ada is now called Ada L.",
        "-- Ada L. left",
    ]


def test_a_verified_name_has_a_mark_before_it() -> None:
    assert printed(
        Message(1, NOON, "alice", "hello\nyou", verified=True),
        MessageEdited(2, NOON, "alice", 1, "hi", verified=True),
        Message(3, NOON, "alice", "waves", action=True, verified=True),
        Message(4, NOON, "eve", "✓ alice waves", action=True),
        Message(5, NOON, "✓ alice", "hm"),
    ) == [
        "12:00  ✓ alice │ hello",
        "               │ you",
        "12:00  ✎ ✓ alice │ hi",
        "12:00  * ✓ alice waves",
        "12:00  * eve ✓ alice waves",
        "12:00  <U+2713> alice │ hm",
    ]
