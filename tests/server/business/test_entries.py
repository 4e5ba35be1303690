"""Entries: what they cost, what they say, and whose connection is whose."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from msgspec import Struct

from chatty.server.business import entries, facts
from chatty.server.business.entries import (
    ENVELOPE,
    NOBODY_IN_PARTICULAR,
    Admit,
    Connect,
    CreateRoom,
    Delete,
    DeleteMessages,
    Duplicate,
    Edit,
    Entry,
    Forget,
    Grant,
    Invite,
    Issue,
    Kick,
    Post,
    Probe,
    Rejection,
    Restrict,
    SetTopic,
    SignIn,
    Target,
    Uninvite,
)
from chatty.server.business.rights import Principal
from tests.server.principals import speaker

AUTHOR: dict[str, Any] = {"room": "room-a", "at": 1, "who": speaker("Ada", b"a")}


def post(text: str, **more: Any) -> Post:
    return Post(**AUTHOR, text=text, **more)


@pytest.mark.parametrize("module", [entries, facts])
def test_nothing_on_a_messages_path_changes_or_is_work_for_the_garbage_collector(module: ModuleType) -> None:
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Struct)]
    for kind in kinds:
        if kind.__module__ == module.__name__:
            assert (kind.__struct_config__.frozen, kind.__struct_config__.gc) == (True, False), kind


@pytest.mark.parametrize(
    ("entry", "size"),
    [
        (Probe("", 1), 100),
        (Delete(**AUTHOR, of=3), 100),
        (post(""), 100),
        (post("Hello, you!"), 111),
        (post("é"), 106),
        (post("a\x1b"), 112),
        (Edit(**AUTHOR, of=3, text="abc"), 103),
        (SetTopic(**AUTHOR, topic="abcd"), 104),
    ],
)
def test_an_entry_knows_how_many_bytes_its_events_take_roughly(entry: Entry, size: int) -> None:
    assert entry.size == size


def test_a_post_is_a_plain_message_unless_more_is_said() -> None:
    plain = post("hello")
    assert (plain.producer, plain.n, plain.idempotency_key, plain.digest) == ("", 0, "", b"")
    assert (plain.reply_to, plain.action, plain.connection) == (0, False, "")
    edit = Edit(**AUTHOR, of=3, text="x")
    assert (edit.producer, edit.n, edit.connection) == ("", 0, "")
    assert CreateRoom("room-a", 1, "A room", "", "epoch", b"o").expires_at == 0
    assert (Rejection("muted").message, Duplicate().seq) == ("", 0)


def test_what_an_entry_doesnt_say_is_nothing() -> None:
    who = speaker("Ada", b"a")
    assert Principal(b"") == NOBODY_IN_PARTICULAR
    assert Target() == Target("", "", b"", 0)
    issue = Issue("", 1, who, "t1", b"hash", 3)
    assert (issue.name, issue.name_key, issue.identity, issue.role, issue.expires_at, issue.label) == (
        "", "", b"", 0, 0, "",
    )  # fmt: skip
    assert Grant("", 1, who, Target(), 3).until == 0
    assert Kick("", 1, who, Target()).reason == ""
    restrict = Restrict("", 1, who, "r1", Target(), 3)
    assert (restrict.until, restrict.addresses, restrict.addresses_until, restrict.reason) == (0, (), 0, "")
    assert Forget("", 1, 2, 3).rights_before == 0
    assert Connect("", 1, "n/1/1", who).most == 0
    invite = Invite("", 1, who, "i1", b"hash", 3, 1, 0)
    assert (invite.name, invite.name_key, invite.skeleton) == ("", "", "")
    admit = Admit("", 1, who)
    assert (admit.invitation, admit.password) == ("", "")
    assert Uninvite("", 1, who, "i1").members is False
    assert SignIn("", 1, who, "t1", b"hash", False, 0).label == ""
    delete = DeleteMessages("", 1, who, (1, 2))
    assert (delete.reason, delete.is_first) == ("", True)
    assert Rejection("muted").wait == 0


def test_a_deletion_of_many_costs_as_many_events_and_one_that_tells_of_them() -> None:
    sizes = [DeleteMessages("", 1, speaker("Ada", b"a"), tuple(range(count))).size for count in (0, 1, 5)]
    assert sizes == [ENVELOPE * 2, ENVELOPE * 3, ENVELOPE * 7]
