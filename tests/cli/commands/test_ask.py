"""`ask` prints the answer that somebody gave, and says by its status whether there was one."""

from __future__ import annotations

import json
import os
import signal
from typing import Any
from urllib.parse import quote

import pytest

from chatty.client.identity import derive_key
from tests.cli.commands.test_send import wait_until
from tests.cli.user import Running, User
from tests.support.server import PATIENCE, Server, free_port


def asking(user: User, server: Server, room: str, *arguments: str, **popen: Any) -> tuple[Running, int]:
    """`chatty ask` that waits for its answer, and the number of its question."""
    before = len(server.texts(room))
    process = user.start("ask", room, *arguments, **popen)
    wait_until(lambda: len(server.texts(room)) > before)
    question: int = server.history(room)[-1]["seq"]
    return process, question


def reply(server: Server, room: str, to: int, text: str, name: str = "Ada", key: str | None = None) -> int:
    body = {"participant": name, "text": text, "reply_to": to}
    seq: int = server.ask("POST", f"/v1/rooms/{room}/messages", body, token=key)["seq"]
    return seq


def react(server: Server, room: str, to: int, reaction: str, name: str = "Ada") -> None:
    server.ask("PUT", f"/v1/rooms/{room}/messages/{to}/reactions/{quote(reaction)}?name={name}", token="k" * 32)


def answer_of(process: Running, status: int = 0) -> str:
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, err
    printed: str = out.decode()
    return printed


def test_the_reply_to_the_question_is_the_answer_and_nothing_else_is_printed(
    user: User, server: Server, room: str
) -> None:
    process, question = asking(user, server, room, "Which", "version?")
    assert server.texts(room) == ["Which version?"]
    server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "good morning"})
    reply(server, room, question, " 1.4 ")
    assert answer_of(process) == "1.4\n"


def test_choices_are_shown_and_only_they_are_answers(user: User, server: Server, room: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--choices", "yes, No")
    assert server.texts(room) == ["Deploy? [yes/No]"]
    reply(server, room, question, "maybe")
    reply(server, room, question, "nO")
    assert answer_of(process) == "No\n"


@pytest.mark.parametrize(("reaction", "answer"), [("👍🏽", "yes"), (":-1:", "no"), (":no:", "no")])
def test_a_reaction_is_an_answer_too(user: User, server: Server, room: str, reaction: str, answer: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--choices", "yes,no")
    react(server, room, question, "🎉")
    react(server, room, question, reaction)
    assert answer_of(process) == f"{answer}\n"


def test_an_answer_that_is_corrected_counts_from_then_on(user: User, server: Server, room: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--choices", "yes,no")
    for to, text, corrected in ((0, "nope", "no"), (question, "yse", "yes")):
        own = reply(server, room, to, text, key="a" * 32)
        edit = {"participant": "Ada", "text": corrected}
        server.ask("PATCH", f"/v1/rooms/{room}/messages/{own}", edit, token="a" * 32)
    assert answer_of(process) == "yes\n"


def test_only_those_who_are_asked_may_answer(user: User, server: Server, room: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--from", "Grace", "--from", "ADA")
    reply(server, room, question, "no", name="Eve")
    react(server, room, question, "👎", name="Eve")
    reply(server, room, question, "yes", name="Ada")
    assert answer_of(process) == "yes\n"


def test_no_answer_in_time_is_status_5(user: User, room: str) -> None:
    assert user.fails(5, "ask", room, "Deploy?", "--timeout", "100ms") == "error: no answer came in 0.1 s\n"


def test_a_default_is_the_answer_that_nobody_gave(user: User, room: str) -> None:
    patience = ("--timeout", "100ms", "--default", "no")
    assert user.says("ask", room, "Deploy?", *patience) == "no\n"
    told = json.loads(user.says("ask", room, "Deploy?", *patience, "--json"))
    assert told == {"event_type": "default", "text": "no"}


def test_with_json_the_event_that_answers_is_printed_as_it_came(user: User, server: Server, room: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--json")
    reply(server, room, question, "yes")
    assert json.loads(answer_of(process)) == server.history(room)[-1]


def test_the_question_may_come_from_a_pipe(user: User, server: Server, room: str) -> None:
    user.fails(5, "ask", room, "--timeout", "10ms", said=b"Two\nlines?\n")
    assert server.texts(room) == ["Two\nlines?"]


def test_a_second_run_with_the_same_key_finds_the_answer_that_came_meanwhile(
    user: User, server: Server, room: str
) -> None:
    arguments = ("Deploy?", "--choices", "yes,no", "--key", "deploy-1.4")
    process, question = asking(user, server, room, *arguments)
    process.kill()
    process.wait(PATIENCE)
    reply(server, room, question, "yes")
    reply(server, room, question, "no")
    assert [user.says("ask", room, *arguments) for _ in range(2)] == ["yes\n", "yes\n"]
    assert server.texts(room).count("Deploy? [yes/no]") == 1


def test_a_reply_that_was_edited_since_counts_from_the_edit_on_also_for_a_later_run(
    user: User, server: Server, room: str
) -> None:
    arguments = ("Deploy?", "--choices", "yes,no", "--key", "K")
    process, question = asking(user, server, room, *arguments)
    early = reply(server, room, question, "hm", key="a" * 32)
    reply(server, room, question, "no", name="Grace")
    assert answer_of(process) == "no\n"
    edit = {"participant": "Ada", "text": "yes"}
    server.ask("PATCH", f"/v1/rooms/{room}/messages/{early}", edit, token="a" * 32)
    assert user.says("ask", room, *arguments) == "no\n"


def test_a_key_belongs_to_one_question(user: User, room: str) -> None:
    user.fails(5, "ask", room, "Deploy?", "--key", "K", "--timeout", "10ms")
    assert "--key K" in user.fails(6, "ask", room, "Something else?", "--key", "K", "--timeout", "10ms")


def test_a_question_that_is_deleted_gets_no_answer(user: User, server: Server, room: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--key", "K")
    secret = (user.home / "config" / "chatty" / "secret").read_text().strip()
    server.ask("DELETE", f"/v1/rooms/{room}/messages/{question}?name=John", token=derive_key(secret, server.url))
    assert answer_of(process, status=1) == ""


def test_a_room_that_is_closed_gives_no_answer(user: User, server: Server) -> None:
    made = server.make_room()
    process, _ = asking(user, server, made["id"], "Deploy?", "--timeout", "60s", "--default", "yes")
    server.ask("DELETE", f"/v1/rooms/{made['id']}", token=made["owner_token"])
    assert answer_of(process, status=6) == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting(user: User, server: Server, room: str, number: int) -> None:
    process, _ = asking(user, server, room, "Deploy?")
    process.send_signal(number)
    assert answer_of(process, status=128 + number) == ""


def test_nobody_waits_for_an_answer_that_nobody_reads(user: User, server: Server, room: str) -> None:
    reader, writer = os.pipe()
    process, _ = asking(user, server, room, "Deploy?", stdout=writer)
    os.close(writer)
    os.close(reader)
    assert process.wait(PATIENCE) == 141


def test_a_server_that_is_not_there_is_told_at_once(user: User, room: str) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    said = user.fails(5, "ask", room, "Deploy?", "--default", "yes", "--timeout", "60s", "--server", elsewhere)
    assert "connection refused" in said


def test_a_room_that_is_not_there_is_status_3(user: User) -> None:
    assert "no room" in user.fails(3, "ask", "0" * 27, "Deploy?")


@pytest.mark.parametrize("arguments", [("Deploy?", "--default", "no"), ("Deploy?", "--choices", "yes,,no")])
def test_what_makes_no_sense_is_not_asked(user: User, server: Server, room: str, arguments: tuple[str, ...]) -> None:
    user.fails(2, "ask", room, *arguments)
    assert server.texts(room) == []
