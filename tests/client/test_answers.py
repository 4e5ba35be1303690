"""What counts as an answer."""

from __future__ import annotations

import pytest

from chatty.client.answers import Question, question_text
from chatty.events import Message, MessageEdited, Reaction
from tests.client.scripted import AT


def reply(text: str, *, to: int = 7, by: str = "Ada") -> Message:
    return Message(9, AT, by, text, to)


def reaction(kind: str, *, of: int = 7, by: str = "Ada", removed: bool = False) -> Reaction:
    return Reaction(9, AT, by, of, kind, removed)


def test_a_question_shows_its_choices() -> None:
    assert question_text("Deploy?", ["yes", "no"]) == "Deploy? [yes/no]"
    assert question_text("Why?", []) == "Why?"


@pytest.mark.parametrize("text", ["yes", " YES \n", "Yes", "ｙｅｓ"])
def test_a_choice_counts_in_whatever_case_and_is_given_as_it_was_spelled(text: str) -> None:
    question = Question(7, ["Yes", "no"])
    assert question.answer(reply(text)) == "Yes"
    assert question.answer(reaction(text)) == "Yes"
    assert question.answer(MessageEdited(9, AT, "Ada", 8, text)) == "Yes"


@pytest.mark.parametrize(
    "other",
    [reply("yes, but"), reply("yes", to=6), reply("yes", to=0), reply(""), reaction("yes", of=8), reaction("🎉"),
     reaction("yes", removed=True)],
)  # fmt: skip
def test_what_is_no_choice_or_is_about_something_else_is_no_answer(other: Message | Reaction) -> None:
    assert Question(7, ["yes", "no"]).answer(other) is None


@pytest.mark.parametrize(
    ("sign", "meant"), [("👍", "yes"), ("👍🏽", "yes"), (":+1:", "yes"), ("👎", "no"), ("❌", "no")]
)
def test_a_thumb_means_yes_or_no_where_these_are_choices(sign: str, meant: str) -> None:
    assert Question(7, ["yes", "no"]).answer(reaction(sign)) == meant
    assert Question(7, ["now", "later"]).answer(reaction(sign)) is None
    assert Question(7, ["now", sign]).answer(reaction(sign)) == sign


def test_without_choices_anything_is_an_answer_as_it_was_given() -> None:
    assert Question(7).answer(reply("Because I say so")) == "Because I say so"
    assert Question(7).answer(reaction("🎉")) == "🎉"
    assert Question(7).answer(reply("")) is None
    assert Question(7).answer(Message(9, AT, "Ada", "", 7, deleted=10)) is None


def test_a_reply_that_was_edited_counts_by_its_edit() -> None:
    question = Question(7, ["yes", "no"])
    assert question.answer(Message(9, AT, "Ada", "yes", 7, edited=12)) is None
    assert question.is_reply(Message(9, AT, "Ada", "yes", 7, edited=12))
    assert question.answer(MessageEdited(12, AT, "Ada", 9, "yes")) == "yes"
    assert question.answer(MessageEdited(11, AT, "Ada", 9, "")) is None


def test_only_who_was_asked_may_answer() -> None:
    """By the rule that the server has for names."""
    question = Question(7, answerers=["Ada", "Bob  Roe"])
    assert [question.answer(reply("ok", by=name)) for name in ("ＡＤＡ", "bob roe", "Eve")] == ["ok", "ok", None]
    assert question.answer(reaction("👍", by="Eve")) is None
