"""What a producer has said, as a digest: the same for both sides, and another one for anything else."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from chatty.client.outbox import said
from chatty.digests import NOTHING_SAID, UNKNOWN, chained
from chatty.protocol import Delete, Edit, React, Rename, Say, Send, SetTopic
from chatty.server.business import entries
from chatty.server.business.entries import AnyChange, Change, Post
from chatty.server.platform.network.http_messages import Author, change
from tests.server.principals import speaker

TEXTS: list[tuple[Say, str]] = [
    (Send(text="one\ntwo", reply_to=3, action=True), "send\n3\n1\none\ntwo"),
    (Send(text="one\ntwo"), "send\n0\n0\none\ntwo"),
    (Send(text="one"), "send\n0\n0\none"),
    (Send(text="one", reply_to=3), "send\n3\n0\none"),
    (Send(text="one", action=True), "send\n0\n1\none"),
    (Edit(of=3, text="one"), "edit\n3\none"),
    (Edit(of=4, text="one"), "edit\n4\none"),
    (Delete(of=3), "delete\n3"),
    (React(of=3, reaction="one"), "react\n3\n0\none"),
    (React(of=3, reaction="one", remove=True), "react\n3\n1\none"),
    (SetTopic(topic="one"), "topic\none"),
    (SetTopic(topic=""), "topic\n"),
    (Rename(name=" Ada  Lovelace "), "rename\nAda Lovelace"),
]
COMMANDS: list[Say] = [command for command, _ in TEXTS]


def entry(command: Any) -> Post | AnyChange:
    """What the server makes of a command."""
    if isinstance(command, Send):
        return Post("room", 1, speaker("Ada", b"i"), command.text, reply_to=command.reply_to, action=command.action)
    made = change(command, "room", 1, Author(speaker("Ada", b"i")))
    assert isinstance(made, AnyChange)
    return made


@pytest.mark.parametrize(("command", "text"), TEXTS, ids=str)
def test_client_and_server_count_the_published_text_of_a_command(command: Say, text: str) -> None:
    assert entry(command).said == said(command) == text


def test_no_two_commands_count_as_the_same() -> None:
    assert len({text for _, text in TEXTS}) == len(TEXTS)


def test_every_kind_of_command_counts() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(Say))
    assert {type(entry(command)) for command in COMMANDS} == {entries.Post, *get_args(AnyChange)}
    assert set(Change.__subclasses__()) == set(get_args(AnyChange))


def test_number_and_reference_do_not_count() -> None:
    assert said(Send(text="one", n=7, ref="a")) == said(Send(text="one"))


def test_what_was_said_and_in_which_order_makes_the_digest() -> None:
    def digest(*messages: str) -> bytes:
        so_far = NOTHING_SAID
        for message in messages:
            so_far = chained(so_far, message)
        return so_far

    digests = {digest(), digest("a"), digest("b"), digest("a", "b"), digest("b", "a"), digest("ab"), digest("a", "a")}
    assert len(digests) == 7
    # docs/protocol.md publishes this one, and how it is made.
    assert digest(said(Send(text="Hello"))).hex() == "58148aebc17724b27a94133573eb7d9c"


def test_nothing_is_known_after_something_that_is_not() -> None:
    assert chained(UNKNOWN, "a") == UNKNOWN
