"""What counts as an answer, and how question and outcome read."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chatty.client.answers import Answer, Question, outcome_text, question_text
from chatty.events import Message, MessageDeleted, MessageEdited, ParticipantJoined, Reaction
from tests.support.scripted import AT


def message(text: str, *, seq: int = 9, to: int = 0, by: str = "Ada", **more: Any) -> Message:
    return Message(seq, AT, by, text, to, **more)


def reply(text: str, *, by: str = "Ada", **more: Any) -> Message:
    return message(text, to=7, by=by, **more)


def reaction(kind: str, *, of: int = 7, by: str = "Ada", removed: bool = False) -> Reaction:
    return Reaction(9, AT, by, of, kind, removed)


def asked(*choices: str, answerers: tuple[str, ...] = (), verified: bool = False) -> Question:
    """Question number 7, by ci."""
    return Question(7, choices, answerers, asker="ci", verified=verified)


def answer(question: Question, *frames: Any) -> str | None:
    """The first answer among these, in short."""
    for frame in frames:
        given = question.hear(frame)
        if given is not None:
            assert given.seq == frame.seq
            assert given.participant == frame.participant
            return given.text
    return None


@pytest.mark.parametrize(
    ("question", "choices", "text"),
    [
        ("Why?", [], "Why? (reply to answer)"),
        ("Deploy?", ["yes", "no"], "Deploy? (reply with yes or no, or react 👍 👎)"),
        ("Deploy?", ["No", "later", "YES"], "Deploy? (reply with No, later or YES, or react 👎 👍)"),
        ("When?", ["now", "later"], "When? (reply with now or later)"),
        ("Ready?", ["yes"], "Ready? (reply with yes, or react 👍)"),
        ("Two\nlines?", ["a", "b"], "Two\nlines?\n(reply with a or b)"),
    ],
)
def test_a_question_says_how_to_answer_it(question: str, choices: list[str], text: str) -> None:
    assert question_text(question, choices) == text


@pytest.mark.parametrize("text", ["yes", " YES \n", "Yes", "ｙｅｓ"])
def test_a_choice_counts_in_whatever_case_and_is_given_as_it_was_spelled(text: str) -> None:
    assert asked("Yes", "no").hear(reply(text)) == Answer("Yes", "Ada", 9, "reply")
    assert asked("Yes", "no").hear(message(text)) == Answer("Yes", "Ada", 9, "message")
    assert asked("Yes", "no").hear(reaction(text)) == Answer("Yes", "Ada", 9, "reaction")
    assert answer(asked("Yes", "no"), reply("hm", seq=8), MessageEdited(9, AT, "Ada", 8, text)) == "Yes"


@pytest.mark.parametrize(
    "other",
    [reply("yes, but"), message("yes", to=6), message("yes, but"), reply(""), reaction("yes", of=8), reaction("🎉"),
     reaction("yes", removed=True), message("yes", action=True), message("yes", deleted=10), message("yes", edited=10),
     MessageEdited(9, AT, "Ada", 8, "yes")],
)  # fmt: skip
def test_other_words_and_events_about_something_else_are_not_answers(other: Any) -> None:
    assert asked("yes", "no").hear(other) is None


def test_a_bare_choice_counts_as_the_next_message_and_no_later_one() -> None:
    joined = ParticipantJoined(8, AT, "Ada")
    assert answer(asked("yes", "no"), joined, reaction("🎉"), message("yes")) == "yes"
    for between in (message("hm"), message("hm", by="Bob"), message("hm", to=3), reply("hm"), message("", deleted=9)):
        assert answer(asked("yes", "no"), between, message("yes")) is None
        assert answer(asked("yes", "no"), between, reply("yes")) == "yes"
    assert answer(asked(), message("because")) is None


def test_only_the_next_message_of_the_answerers_counts() -> None:
    question = ("yes", "no")
    assert answer(asked(*question, answerers=("Ada",)), message("no", by="Eve"), message("yes")) == "yes"
    assert answer(asked(*question, answerers=("Ada", "Bob")), message("hm", by="Bob"), message("yes")) is None


def test_a_bare_choice_answers_no_question_that_a_program_has_said_something_behind() -> None:
    between = message("Reboot? (reply with yes or no)", by="cron", automatic=1)
    assert answer(asked("yes", "no", answerers=("Ada",)), between, message("yes")) is None
    outcome = reply("cancelled; an answer still counts", by="ci", automatic=1)
    assert answer(asked("yes", "no"), outcome, message("yes")) == "yes"


def test_a_program_s_message_is_an_answer_only_if_the_program_was_named() -> None:
    for said in (reply("yes", by="bot", automatic=1), message("yes", by="bot", automatic=1)):
        assert asked("yes", "no").hear(said) is None
        assert answer(asked("yes", "no", answerers=("bot",)), said) == "yes"
    # What the room was told of an earlier run's outcome.
    assert asked(answerers=("ci",)).hear(reply("timed out", by="CI", automatic=1)) is None
    assert answer(asked(answerers=("ci",)), reply("I say so", by="ci")) == "I say so"


@pytest.mark.parametrize(
    ("sign", "meant"), [("👍", "yes"), ("👍🏽", "yes"), (":+1:", "yes"), ("👎", "no"), ("❌", "no")]
)
def test_a_thumb_means_yes_or_no_where_these_are_choices(sign: str, meant: str) -> None:
    assert answer(asked("yes", "no"), reaction(sign)) == meant
    assert asked("now", "later").hear(reaction(sign)) is None
    assert answer(asked("now", sign), reaction(sign)) == sign


def test_without_choices_anything_is_an_answer_as_it_was_given() -> None:
    assert answer(asked(), reply("Because I say so")) == "Because I say so"
    assert answer(asked(), reaction("🎉")) == "🎉"
    assert asked().hear(reply("")) is None
    assert asked().hear(reply("", deleted=10)) is None


def test_a_reply_that_was_edited_counts_by_its_edit() -> None:
    question = asked("yes", "no")
    assert question.hear(reply("yes", edited=12)) is None
    assert question.hear(MessageEdited(11, AT, "Ada", 9, "")) is None
    assert question.hear(MessageDeleted(11, AT, "Ada", 8)) is None
    assert question.hear(MessageEdited(12, AT, "Ada", 9, "yes")) == Answer("yes", "Ada", 12, "reply")


def test_only_people_who_were_asked_may_answer() -> None:
    question = asked(answerers=("Ada", "Bob"))
    assert [answer(question, reply("ok", by=name)) for name in ("ada", "BOB", "Eve")] == ["ok", "ok", None]
    assert question.hear(reaction("👍", by="Eve")) is None
    assert question.hear(MessageEdited(10, AT, "Eve", 9, "ok")) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Answer("yes", "Ada", 9, "reply"), "answered by Ada: yes"),
        (Answer("no", "", 0, "default"), "timed out; default no"),
        (Answer("two\n lines", "Ada", 9, "reply"), "answered by Ada: two lines"),
        (Answer("x" * 101, "Ada", 9, "reply"), f"answered by Ada: {'x' * 100}…"),
    ],
)
def test_the_outcome_is_one_short_line(given: Answer, told: str) -> None:
    assert outcome_text(given) == told


def test_where_names_are_verified_nobody_else_answers_under_one() -> None:
    spoofs = [
        reply("spoof", verified=False), reaction("spoof"), MessageEdited(10, AT, "Ada", 9, "edited spoof"),
        message("yes"),
    ]  # fmt: skip
    question = asked(answerers=("Ada",), verified=True)
    assert answer(question, *spoofs, reply("yes", verified=True)) == "yes"
    assert answer(asked(answerers=("Ada",), verified=True), replace(reaction("👍"), verified=True)) == "👍"
    assert answer(asked(verified=True), reply("anything")) == "anything", "nobody in particular was asked"
