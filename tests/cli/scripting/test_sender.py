"""A second run with the same key: it sends what is missing, says how much was there, and notices other input."""

from __future__ import annotations

import json
import os

import pytest

from tests.cli.user import User
from tests.support.server import PATIENCE, Server

SAME = "hint:  send the same input, or choose another key\n"


def again(user: User, room: str, said: bytes, *options: str, status: int = 0) -> str:
    """What a run with a key tells on standard error."""
    return user.here.fails(status, "send", room, "--key", "K", *options, said=said)


def test_a_true_repetition_is_told_with_how_many_lines_were_there(user: User, server: Server, room: str) -> None:
    assert again(user, room, b"a\nb\n") == ""
    assert again(user, room, b"a\nb\n") == "note:  2 of 2 lines were already stored\n"
    assert again(user, room, b"a\n\nb\nc\n") == (
        "note:  lines: 1 blank, skipped\nnote:  2 of 3 lines were already stored\n"
    )
    assert server.texts(room) == ["a", "b", "c"]


def test_a_text_that_was_there_already_is_told_as_one(user: User, server: Server, room: str) -> None:
    for told in ("", "note:  the message was already stored\n"):
        assert user.here.fails(0, "send", room, "--key", "K", "hello") == told
        assert user.here.fails(0, "send", room, "--key", "L", "--block", said=b"hel\nlo") == told
    assert server.texts(room) == ["hello", "hel\nlo"]


@pytest.mark.parametrize("other", [b"a\nx\nc\n", b"x\nb\nc\n", b"b\na\n", b"a\nb \n", b"\xff\nb\nc\n"])
def test_other_input_under_the_same_key_is_refused_and_nothing_of_it_is_sent(
    user: User, server: Server, room: str, other: bytes
) -> None:
    again(user, room, b"a\nb\n")
    told = again(user, room, other, status=6)
    assert told.removeprefix("note:  lines: 1 not UTF-8, repaired\n") == (
        f"error: the first 2 lines are not those that were sent with --key K; nothing was sent\n{SAME}"
    )
    assert again(user, room, b"a\nb\nc\n") == "note:  2 of 3 lines were already stored\n"
    assert server.texts(room) == ["a", "b", "c"]


@pytest.mark.parametrize("said", [b"a\n", b""])
def test_input_that_is_shorter_than_what_was_sent_is_refused_since_it_need_not_begin_like_that(
    user: User, server: Server, room: str, said: bytes
) -> None:
    again(user, room, b"a\nb\nc\n")
    assert again(user, room, said, status=6) == (
        f"error: 3 messages were sent with --key K, and this input has {len(said) // 2}; nothing was sent\n{SAME}"
    )
    assert server.texts(room) == ["a", "b", "c"]


def test_another_text_under_a_key_is_refused(user: User, server: Server, room: str) -> None:
    user.here.run("send", room, "--key", "K", "hello")
    for other in (["hallo"], ["--block"]):
        told = user.here.fails(6, "send", room, "--key", "K", *other, said=b"hallo")
        assert told == f"error: another text was sent with --key K; nothing was sent\n{SAME}"
    told = again(user, room, b"hallo\n", status=6)
    assert told.startswith("error: the first line is not the one that was sent with --key K; nothing was sent\n")
    assert server.texts(room) == ["hello"]


def test_for_programs_a_repetition_is_acked_once_it_is_known_to_be_one_and_told_as_a_note(
    user: User, server: Server, room: str
) -> None:
    again(user, room, b"a\nb\n")
    done = user.here.run("send", room, "--key", "K", "--json", said=b"a\nb\nc\n")
    acks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(ack["n"], ack.get("duplicate", False)) for ack in acks] == [(1, True), (2, True), (3, False)]
    assert json.loads(done.stderr) == {"event_type": "note", "already_stored": 2, "messages": 3}
    done = user.here.run("send", room, "--key", "K", "--json", said=b"x\nb\nc\n", status=6)
    assert done.stdout == b""
    assert json.loads(done.stderr)["code"] == "idempotency_conflict"
    assert user.here.run("send", room, "--key", "K", "--json", said=b"a\n", status=6).stdout == b""


def test_input_that_comes_slowly_is_compared_when_it_has_come_so_far(user: User, server: Server, room: str) -> None:
    again(user, room, b"a\nb\n")
    ours, theirs = os.pipe()
    sending = user.start("send", room, "--key", "K", stdin=ours)
    os.close(ours)
    os.write(theirs, b"a\n")
    os.write(theirs, b"x\nc\n")
    os.write(theirs, b"d\n")
    assert sending.wait(PATIENCE) == 6  # while there may be more
    os.close(theirs)
    assert server.texts(room) == ["a", "b"]


def test_an_empty_key_is_none(user: User, room: str) -> None:
    for command in (("send", room, "hello"), ("ask", room, "Deploy?")):
        for key in ("", " "):
            assert "'--key': it is empty" in user.here.fails(2, *command, "--key", key)


def test_a_slow_room_gets_each_line_once_and_in_order_however_long_that_takes(user: User, server: Server) -> None:
    """The timeout is for acks that don't come, and not for the room's rule."""
    made = server.make_room()
    server.ask("PUT", f"/v1/rooms/{made['id']}/policy", {"slow": 0.3}, token=made["owner_token"])
    user.here.run("send", made["id"], "--timeout", "0.2", said=b"a\nb\nc\n")
    assert server.texts(made["id"]) == ["a", "b", "c"]
