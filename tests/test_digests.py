"""What a producer has said, as a digest: the same for both sides, and another one for anything else."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from chatty.digests import NOTHING_SAID, UNKNOWN, chained
from chatty.protocol import Delete, Edit, React, Rename, Say, Send, SetTopic, said
from chatty.server.business import entries
from chatty.server.business.entries import Change, Post
from chatty.server.platform.network.http_messages import Author, change

COMMANDS: list[Say] = [
    Send(text="one\ntwo", reply_to=3, action=True),
    Send(text="one\ntwo"),
    Send(text="one"),
    Send(text="one", reply_to=3),
    Send(text="one", action=True),
    Edit(of=3, text="one"),
    Edit(of=4, text="one"),
    Delete(of=3),
    React(of=3, reaction="one"),
    React(of=3, reaction="one", remove=True),
    SetTopic(topic="one"),
    SetTopic(topic=""),
    Rename(name=" Ada  Lovelace "),
]


def entry(command: Any) -> Post | Change:
    """What the server makes of a command."""
    if isinstance(command, Send):
        return Post("room", 1, "Ada", "ada", b"i", command.text, reply_to=command.reply_to, action=command.action)
    made = change(command, "room", 1, Author("Ada", "ada", b"i"))
    assert isinstance(made, Change)
    return made


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_client_and_server_count_the_same_for_a_command(command: Say) -> None:
    assert entry(command).said == said(command)


def test_no_two_commands_count_as_the_same() -> None:
    assert len({said(command) for command in COMMANDS}) == len(COMMANDS)


def test_every_kind_of_command_counts() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(Say))
    assert set(Change.__subclasses__()) == {type(entry(command)) for command in COMMANDS} - {entries.Post}


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
