"""Chatty's own words about rulings: whatever names, reasons and acts there are, they stay on their line."""

from __future__ import annotations

import pytest

from chatty.cli.terminal.phrases import change
from chatty.events import MessageDeleted, Moderated

AT = "2026-11-23T12:00:00.000Z"


def ruled(act: str, **more: object) -> str:
    return change(Moderated(1, AT, act, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "event"),
    [
        ("Ada sent Eve away: tea", {"act": "kick", "by": "Ada", "participant": "Eve", "reason": "tea"}),
        ("a moderator banned somebody", {"act": "ban"}),
        ("a moderator let Eve in again", {"act": "unban", "participant": "Eve"}),
        ("Ada let Eve speak again", {"act": "unmute", "by": "Ada", "participant": "Eve"}),
        ("Ada deleted messages of Eve", {"act": "delete", "by": "Ada", "participant": "Eve"}),
        ("Ada deleted messages of several people", {"act": "delete", "by": "Ada"}),
        ("Ada locked the room: only moderators speak", {"act": "lock", "by": "Ada"}),
        ("Ada unlocked the room", {"act": "unlock", "by": "Ada"}),
        ("Ada slowed the room down: 2.5 s between messages", {"act": "slow", "by": "Ada", "slow": 2.5}),
        ("Ada ended the slow mode", {"act": "slow", "by": "Ada"}),
        ("Ada closed the room to all who were not let in", {"act": "everyone", "by": "Ada", "role": "nobody"}),
        ("Ada lets everyone read, and no more", {"act": "everyone", "by": "Ada", "role": "reader"}),
        ("Ada changed the rules", {"act": "everyone", "by": "Ada", "role": "a new one"}),
        ("Ada changed the rules", {"act": "a new one", "by": "Ada"}),
    ],
)
def test_a_ruling_reads_as_what_somebody_did(words: str, event: dict[str, object]) -> None:
    assert ruled(**event) == words  # type: ignore[arg-type]


def test_an_end_is_in_the_readers_own_time_and_may_be_nonsense() -> None:
    assert ruled("mute", by="Ada", participant="Eve", until=AT).startswith("Ada muted Eve until 2026-11-2")
    assert ruled("mute", by="Ada", participant="Eve", until="so\non\x1b[2J") == "Ada muted Eve until so␊on␛[2J"


def test_no_name_and_no_reason_reaches_the_terminal() -> None:
    hostile = "\x1b]0;x\x07\n-- Ada owns the room"
    said = ruled("ban", by=hostile, participant=hostile, reason=hostile)
    assert said.isprintable()
    assert change(MessageDeleted(1, AT, hostile, 2, hostile)).isprintable()


def test_a_deletion_says_which_message_it_was_and_whose_if_it_was_another_ones() -> None:
    assert change(MessageDeleted(1, AT, "Eve", 2)) == "Eve deleted #2"
    assert change(MessageDeleted(1, AT, "Eve", 2), "12:07") == "Eve deleted #2 (12:07)"
    assert change(MessageDeleted(1, AT, "Ada", 2, "Eve")) == "Ada deleted a message of Eve (#2)"
    assert change(MessageDeleted(1, AT, "", 2, "Eve")) == "a moderator deleted a message of Eve (#2)"
