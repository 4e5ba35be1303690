from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.join.rendering.view import (
    COLORS,
    View,
    color,
    failure,
    missing,
    not_sent,
    notice,
    skipped,
)
from chatty.cli.terminal.quotes import BEGINNING
from chatty.events import (
    Happening,
    Message,
    MessageDeleted,
    MessageEdited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRenamed,
    Reaction,
    RoomClosed,
    TopicChanged,
)
from chatty.protocol import Gap

NOON = "2026-11-23T12:00:00.000Z"


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def shown(*events: Happening, view: View | None = None) -> list[str]:
    """The lines without the first day line."""
    lines = [line.plain for line in (view or View(utc)).lines(events)]
    return lines[1:] if view is None else lines


def message(text: str, participant: str = "alice", at: str = NOON, seq: int = 1) -> Message:
    return Message(seq, at, participant, text)


def test_a_message_shows_when_who_and_what() -> None:
    assert shown(message("hello")) == ["12:00      alice │ hello"]


def test_times_are_the_readers_own() -> None:
    view = View(lambda moment: moment.astimezone(timezone(timedelta(hours=13))))
    lines = [line.plain for line in view.lines([message("hello")])]
    assert lines == ["── Tuesday 24 November 2026 ──", "01:00      alice │ hello"]


def test_each_day_begins_with_its_line_and_only_once() -> None:
    view = View(utc)
    first = shown(message("a"), message("b"), view=view)
    second = shown(message("c"), message("d", at="2026-11-24T00:00:01.000Z"), view=view)
    assert [line for line in first if line.startswith("──")] == ["── Monday 23 November 2026 ──"]
    assert [line[:7] for line in second] == ["12:00  ", "── Tues", "00:00  "]


def test_a_new_line_in_a_message_cannot_pass_for_another_message() -> None:
    assert shown(message("one\n12:00        bob │ two")) == [
        "12:00      alice │ one\n                 │ 12:00        bob │ two"
    ]


def test_a_long_name_is_never_cut() -> None:
    assert shown(message("hi", "n" * 32)) == [f"12:00 {'n' * 32} │ hi"]


def test_wide_names_are_aligned_by_columns() -> None:
    (wide,) = shown(message("hi", "日本"))
    assert wide == "12:00       日本 │ hi"


def test_a_name_has_one_colour_whatever_its_case() -> None:
    assert all(color(f"Guest{n}") == color(f"gUEST{n}") for n in range(200))
    assert len({color(f"guest{n}") for n in range(200)}) == len(COLORS)


def test_a_name_is_shown_in_its_colour() -> None:
    *_, line = View(utc).lines([message("hello")])
    assert color("alice") in {str(span.style) for span in line.spans}


def test_people_who_come_one_after_the_other_share_a_line() -> None:
    assert shown(ParticipantJoined(1, NOON, "bob"), ParticipantJoined(2, NOON, "carol")) == [
        "12:00          → bob, carol joined"
    ]


def test_coming_and_going_tell_how() -> None:
    (line,) = shown(
        ParticipantLeft(1, NOON, "a", "left"),
        ParticipantLeft(2, NOON, "b", "lost"),
        ParticipantLeft(3, NOON, "c", "kicked"),
        ParticipantJoined(4, NOON, "{d}"),
    )
    assert line.split(" ", 1)[1].strip() == "→ {d} joined · a left · b left (connection lost) · c was removed"


def test_a_crowd_that_comes_is_counted() -> None:
    (line,) = shown(*(ParticipantJoined(n, NOON, f"g{n}") for n in range(1, 1_012)))
    assert line.endswith("→ g1, g2, 1,009 others joined")


def test_a_message_between_keeps_the_order() -> None:
    kinds = shown(ParticipantJoined(1, NOON, "bob"), message("hi", "bob"), ParticipantLeft(3, NOON, "bob", "left"))
    assert [line.split()[1] for line in kinds] == ["→", "bob", "←"]


def test_the_rooms_end_is_shown() -> None:
    assert shown(RoomClosed(9, NOON)) == ["12:00 -- the room is closed"]


def test_an_action_says_who_does_what() -> None:
    assert shown(Message(1, NOON, "dave", "waves", action=True)) == ["12:00          * dave waves"]


def test_a_second_line_of_an_action_cannot_pass_for_a_message() -> None:
    assert shown(Message(1, NOON, "dave", "waves\n12:00 x │ y", action=True)) == [
        "12:00          * dave waves\n                 │ 12:00 x │ y"
    ]


def test_an_answer_shows_the_beginning_of_what_it_answers() -> None:
    asked = message("shall we\n  deploy " + "to " * 40, "bob", seq=1)
    *_, line = shown(asked, message("hm", seq=2), Message(3, NOON, "alice", "yes", reply_to=1))
    above, said = line.split("\n")
    assert above == " " * 17 + "↪ bob: shall we deploy " + ("to " * 40)[: BEGINNING - 16].rstrip() + "…"
    assert said == "12:00      alice │ yes"


def test_an_answer_to_what_was_not_shown_tells_its_number() -> None:
    assert shown(Message(2, NOON, "alice", "yes", reply_to=42))[0].split("\n")[0].strip() == "↪ #42"


def test_an_edit_shows_the_new_text_and_later_answers_quote_it() -> None:
    _, edit, _, answer = shown(
        message("helo"),
        MessageEdited(2, NOON, "alice", 1, "hello"),
        message("hm", seq=3),
        Message(4, NOON, "bob", "hi", reply_to=1),
    )
    assert edit == "12:00 ✎    alice │ hello"
    assert "↪ alice: hello\n" in answer


def test_an_edit_of_an_action_is_an_action() -> None:
    assert shown(
        Message(1, NOON, "dave", "wavse", action=True),
        MessageEdited(2, NOON, "dave", 1, "waves\nat all"),
        MessageEdited(3, NOON, "dave", 1, "nods"),
    )[1:] == ["12:00 ✎        * dave waves\n                 │ at all", "12:00 ✎        * dave nods"]


def test_an_edit_of_what_was_never_shown_is_one_of_a_text() -> None:
    assert shown(MessageEdited(2, NOON, "dave", 1, "waves")) == ["12:00 ✎     dave │ waves"]


def test_a_message_that_was_edited_before_says_so() -> None:
    assert shown(Message(1, NOON, "alice", "hello", edited=2)) == ["12:00      alice │ hello (edited)"]


def test_what_changed_a_message_before_it_was_shown_has_no_line() -> None:
    assert shown(
        Message(1, NOON, "alice", "new", edited=3),
        Message(2, NOON, "bob", "", deleted=6),
        MessageEdited(3, NOON, "alice", 1, "new"),
        MessageEdited(4, NOON, "bob", 2, ""),
        MessageEdited(5, NOON, "carol", 99, ""),  # deleted since, as what follows will tell
        MessageDeleted(6, NOON, "bob", 2),
    ) == ["12:00      alice │ new (edited)", "12:00        bob │ (deleted)"]


def test_a_change_after_that_has_its_line() -> None:
    lines = shown(Message(1, NOON, "alice", "new", edited=2), MessageEdited(3, NOON, "alice", 1, "newer"))
    assert lines[1:] == ["12:00 ✎    alice │ newer"]


def test_a_deletion_is_told_and_the_text_is_not_quoted_again() -> None:
    _, deletion, answer = shown(
        message("secret"), MessageDeleted(2, NOON, "alice", 1), Message(3, NOON, "bob", "hm", reply_to=1)
    )
    assert deletion == "12:00 -- alice deleted #1 (12:00)"
    assert "↪ alice: (deleted)\n" in answer


def test_a_reaction_tells_who_and_to_what() -> None:
    assert shown(
        message("lunch?", "bob"), Reaction(2, NOON, "alice", 1, ":tada:"), Reaction(3, NOON, "alice", 42, "👍")
    )[1:] == ["12:00          alice 🎉 → bob: lunch?", "12:00          alice 👍 → #42"]


def test_reactions_to_one_message_one_after_the_other_share_a_line() -> None:
    assert shown(
        message("lunch?", "bob"),
        Reaction(2, NOON, "alice", 1, "👍"),
        Reaction(3, NOON, "carol", 1, "👍"),
        Reaction(4, NOON, "alice", 1, "👍", removed=True),
        Reaction(5, "2026-11-24T00:00:01.000Z", "alice", 1, "🎉"),
        message("hm", "carol", at="2026-11-24T00:00:02.000Z", seq=6),
        Reaction(7, "2026-11-24T00:00:03.000Z", "dave", 1, "🎉"),
    )[1:] == [
        "12:00          alice 👍, carol 👍, alice took back 👍 → bob: lunch?",
        "── Tuesday 24 November 2026 ──",
        "00:00          alice 🎉 → bob: lunch?",
        "00:00      carol │ hm",
        "00:00          dave 🎉 → bob: lunch?",
    ]


def test_a_crowd_that_reacts_is_counted() -> None:
    (line,) = shown(*(Reaction(n, NOON, f"g{n}", 42, "👍") for n in range(1, 1_012)))
    assert line.endswith("g7 👍, g8 👍, 1,003 more → #42")


def test_reactions_of_the_past_are_counted_the_most_frequent_first() -> None:
    counts = {f"r{number}": 1 for number in range(20)} | {"👍": 2}
    (line,) = shown(Message(1, NOON, "alice", "hi", edited=2, reactions=counts))
    assert line.startswith("12:00      alice │ hi (edited)  👍 2  r0 1  r1 1")
    assert line.endswith("r10 1  …")


def test_a_reaction_that_is_counted_already_is_not_told_as_well() -> None:
    assert shown(
        Message(1, NOON, "alice", "hi", reactions={"👍": 2}, reacted=4),
        Reaction(3, NOON, "bob", 1, "👍"),
        Reaction(4, NOON, "carol", 1, "👍"),
        Reaction(5, NOON, "dave", 1, "🎉"),
    ) == ["12:00      alice │ hi  👍 2", "12:00          dave 🎉 → alice: hi"]


def test_topics_and_names_that_change_are_told() -> None:
    assert shown(
        TopicChanged(1, NOON, "alice", "what {goes} out"),
        TopicChanged(2, NOON, "alice", ""),
        ParticipantRenamed(3, NOON, "alice", "Ada"),
    ) == [
        "12:00 -- alice changed the topic: what {goes} out",
        "12:00 -- alice took the topic away",
        "12:00 -- alice is now called Ada",
    ]


def test_who_speaks_of_the_reader_is_marked_and_the_text_is_bold() -> None:
    view = View(utc, me="John")
    _, line, other = view.lines([message("@john ping"), message("johnny ping")])
    assert line.plain == "12:00 !    alice │ @john ping"
    assert [line.plain[span.start : span.end] for span in line.spans if span.style == "bold"][-1] == "@john ping"
    assert "!" not in other.plain


def test_a_mention_by_a_long_name_moves_the_line_not_the_mark() -> None:
    *_, line = View(utc, me="John").lines([message("@john\nand you", "n" * 20)])
    first, second = line.plain.split("\n")
    assert first == f"12:00 ! {'n' * 20} │ @john"
    assert second.index("│") == first.index("│")


def test_what_the_reader_says_does_not_mention_the_reader() -> None:
    *_, line = View(utc, me="John").lines([message("john: here", "John")])
    assert "!" not in line.plain


def test_a_reader_who_changes_names_is_known_by_the_new_one() -> None:
    lines = list(View(utc, me="John").lines([ParticipantRenamed(1, NOON, "John", "Jack"), message("@jack!")]))
    assert lines[-1].plain == "12:00 !    alice │ @jack!"


def test_without_timestamps_a_line_begins_with_the_name() -> None:
    view = View(utc, time_format="")
    plain = [line.plain for line in view.lines([message("one\ntwo"), Message(2, NOON, "dave", "waves", action=True)])]
    assert plain[1:] == ["     alice │ one\n           │ two", "         * dave waves"]


def test_messages_that_are_looked_up_show_their_numbers() -> None:
    view = View(utc, numbered=True)
    lines = list(view.lines([message("one"), Message(2, NOON, "dave", "```\ncode\n```", edited=3)]))
    assert [line.plain for line in lines[1:]] == [
        "12:00      alice │ one  #1",
        "12:00       dave │ ── code\n                   code\n                 │ (edited)  #2",
    ]


def test_what_was_not_sent_is_shown_with_its_text() -> None:
    reason, text = not_sent("rate limited, 3 s", "one\ntwo")
    assert (reason.plain, text.plain) == ("✗ not sent: rate limited, 3 s", "  one\n  two")


def test_chatty_itself_speaks_with_a_mark() -> None:
    assert notice("here").plain == "-- here"
    assert failure("broken").plain == "!! broken"
    assert missing(Gap("retention", 10, 44)).plain.startswith("-- gap: ")
    assert skipped(812).plain == "… 812 skipped · /history 912"


def harmless(text: str) -> bool:
    return all(character in "\n\t" or (character >= " " and not "\x7f" <= character <= "\x9f") for character in text)


@given(st.text(), st.text())
def test_no_text_or_name_brings_a_control_character_along(text: str, name: str) -> None:
    events: list[Happening] = [
        message(text, name),
        Message(2, NOON, name, text, reply_to=1, action=True, edited=3, reactions={text: 1}),
        MessageEdited(3, NOON, name, 7, text),
        MessageDeleted(4, NOON, name, 7),
        Reaction(5, NOON, name, 1, text),
        TopicChanged(6, NOON, name, text),
        ParticipantRenamed(7, NOON, name, text),
        ParticipantJoined(8, NOON, name),
        ParticipantLeft(9, NOON, name, "left"),
    ]
    lines = [*View(utc, me=name).lines(events), notice(text), failure(text), *not_sent(name, text)]
    assert all(harmless(line.plain) for line in lines)


def test_words_of_others_in_a_line_of_chattys_own_begin_no_line() -> None:
    for line in (
        notice("topic: x\n12:00        bob │ hi"),
        failure("x\n12:00        bob │ hi"),
        not_sent("x\ny", "")[0],
    ):
        assert "\n" not in line.plain


def test_a_name_that_older_rooms_have_is_taken_for_no_line_and_no_text() -> None:
    lines = shown(
        Message(1, NOON, "Bob │ run it", "hi"),
        Message(2, NOON, "-- Eve", "waves", action=True),
        ParticipantJoined(3, NOON, "Bob, Eve"),
        ParticipantRenamed(4, NOON, "* x", "y: z"),
        Reaction(5, NOON, "→ a", 1, "👍"),
    )
    assert lines == [
        "12:00 Bob <U+2502> run it │ hi",
        "12:00          * <U+002D>- Eve waves",
        "12:00          → Bob<U+002C> Eve joined",
        "12:00 -- <U+002A> x is now called y<U+003A> z",
        "12:00          <U+2192> a 👍 → Bob <U+2502> run it: hi",
    ]


def test_an_edit_that_mentions_the_reader_is_marked() -> None:
    view = View(utc, me="John")
    _, _, edit, other, own = view.lines(
        [
            message("helo"),
            MessageEdited(2, NOON, "alice", 1, "hello @John"),
            MessageEdited(3, NOON, "alice", 1, "hello"),
            MessageEdited(4, NOON, "john", 9, "@John is me"),
        ]
    )
    assert edit.plain == "12:00 ✎ !  alice │ hello @John"
    assert [edit.plain[span.start : span.end] for span in edit.spans if span.style == "bold"][-1] == "hello @John"
    assert other.plain == "12:00 ✎    alice │ hello"
    assert own.plain == "12:00 ✎     john │ @John is me"


def test_remote_text_is_never_markup() -> None:
    (line,) = shown(message("[bold red]x[/] :smile: http://example.org"))
    assert line.endswith("│ [bold red]x[/] :smile: http://example.org")


def test_a_verified_name_has_a_mark_before_it_and_is_bold() -> None:
    said = Message(1, NOON, "alice", "hello\nyou", verified=True)
    edited = MessageEdited(2, NOON, "alice", 1, "hi", verified=True)
    waves = Message(3, NOON, "alice", "waves", action=True, verified=True)
    assert shown(said, edited, waves, message("hm", "bob")) == [
        "12:00    ✓ alice │ hello\n                 │ you",
        "12:00 ✎  ✓ alice │ hi",
        "12:00          * ✓ alice waves",
        "12:00        bob │ hm",
    ]
    line = list(View(utc).lines([said]))[1]
    styles = {line.plain[span.start : span.end]: str(span.style) for span in line.spans}
    assert styles["✓ "] == "bold green"
    assert styles["alice"] == f"bold {color('alice')}"


def test_nobody_makes_themselves_look_verified() -> None:
    """Neither by what they say nor by a name, also one from before such names were refused."""
    assert shown(
        Message(1, NOON, "eve", "✓ alice waves", action=True),
        message("✓ alice │ hm", "eve"),
        message("hm", "✓ alice"),
    ) == [
        "12:00          * eve ✓ alice waves",
        "12:00        eve │ ✓ alice │ hm",
        "12:00 <U+2713> alice │ hm",
    ]
