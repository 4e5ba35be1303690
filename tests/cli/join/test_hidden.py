"""Whom one doesn't want to see."""

from __future__ import annotations

from chatty.cli.join.hidden import Hidden
from chatty.events import Message

AT = "2026-11-23T12:00:00.000Z"


def test_a_name_is_ignored_however_it_is_written() -> None:
    hidden = Hidden()
    hidden.ignore("Ｍａｘ  Strauß")
    assert hidden.hides(Message(1, AT, "max STRAUSS", "hello"))
    assert not hidden.hides(Message(2, AT, "max", "hello"))
    assert hidden.unignore("MAX STRAUSS")
    assert not hidden.hides(Message(3, AT, "max STRAUSS", "hello"))
