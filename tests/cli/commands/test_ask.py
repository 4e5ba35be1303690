"""`ask` prints the answer that somebody gave, and says by its status whether there was one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any
from urllib.parse import quote

import pexpect
import pytest
from aiohttp import web

import chatty
from chatty.client.identity import derive_key
from chatty.events import Message
from chatty.protocol import Live
from tests.cli.commands.test_send import wait_until
from tests.cli.user import Running, User
from tests.support.scripted import AT, Scripted, hangs_once, problem, talks
from tests.support.scripted import text as says
from tests.support.server import PATIENCE, ROOT, Server, free_port


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
    assert server.texts(room) == ["Which version? (reply to answer)"]
    server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "good morning"})
    reply(server, room, question, " 1.4 ")
    assert answer_of(process) == "1.4\n"


def test_choices_are_shown_and_only_they_are_answers(user: User, server: Server, room: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--choices", "yes, No")
    assert server.texts(room) == ["Deploy? (reply with yes or No, or react 👍 👎)"]
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
    out, err = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == (b"yes\n", 0)
    assert err.decode() == "note:  this server verifies no names: anybody can answer as Grace or ADA\n"


def test_no_answer_in_time_is_status_5(user: User, room: str) -> None:
    assert user.here.fails(5, "ask", room, "Deploy?", "--timeout", "100ms") == "error: no answer came in 0.1 s\n"


def test_a_default_is_the_answer_that_nobody_gave(user: User, room: str) -> None:
    patience = ("--timeout", "100ms", "--default", "no")
    assert user.here.says("ask", room, "Deploy?", *patience) == "no\n"
    told = json.loads(user.here.says("ask", room, "Deploy?", *patience, "--json"))
    assert told == {"event_type": "default", "text": "no"}


def test_with_json_the_event_that_answers_is_printed_as_it_came(user: User, server: Server, room: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--json")
    reply(server, room, question, "yes")
    assert json.loads(answer_of(process)) == server.history(room)[-2]


def test_the_question_may_come_from_a_pipe(user: User, server: Server, room: str) -> None:
    user.fails(5, "ask", room, "--timeout", "10ms", said=b"Two\nlines?\n")
    assert server.texts(room)[0] == "Two\nlines?\n(reply to answer)"


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
    assert len([text for text in server.texts(room) if text.startswith("Deploy?")]) == 1


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
    assert user.here.says("ask", room, *arguments) == "no\n"


def outcomes(server: Server, room: str) -> list[str]:
    """What the room was told by a program in answer to something."""
    return [event["text"] for event in server.history(room) if event.get("automatic") and event.get("reply_to")]


def test_a_bare_choice_as_the_next_message_is_the_answer(user: User, server: Server, room: str) -> None:
    process, _ = asking(user, server, room, "Deploy?", "--choices", "yes,no", "--from", "ada")
    for name, text in (("Eve", "no"), ("Ada", "Yes")):
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": name, "text": text})
    assert answer_of(process) == "yes\n"
    assert outcomes(server, room) == ["answered by Ada: yes"]


def test_the_room_is_told_when_nobody_answered(user: User, server: Server, room: str) -> None:
    user.here.fails(5, "ask", room, "Deploy?", "--timeout", "10ms")
    user.here.says("ask", room, "Deploy?", "--timeout", "10ms", "--default", "no")
    assert outcomes(server, room) == ["timed out", "timed out; default no"]


def test_the_room_is_told_the_outcome_once_and_a_later_run_whose_answer_it_is(
    user: User, server: Server, room: str
) -> None:
    arguments = ("ask", room, "Deploy?", "--choices", "yes,no", "--key", "K")
    user.here.fails(5, *arguments, "--timeout", "10ms")
    question = server.history(room)[0]["seq"]
    reply(server, room, question, "yes")
    at = server.history(room)[-1]["at"]
    for _ in range(2):
        done = user.here.run(*arguments)
        assert done.stdout == b"yes\n"
        assert done.stderr.decode() == f"note:  answered by Ada on {at[:10]} at {at[11:16]}\n"
    done = user.here.run(*arguments, "--json")
    assert json.loads(done.stderr) == {"event_type": "note", "answered_by": "Ada", "at": at}
    assert outcomes(server, room) == ["timed out", "answered by Ada: yes"]


def test_an_answer_to_this_run_is_no_news(user: User, server: Server, room: str) -> None:
    process, question = asking(user, server, room, "Deploy?", "--key", "K")
    reply(server, room, question, "yes")
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, b"")


async def test_an_answer_is_printed_also_where_the_room_cannot_be_told(user: User, server: Server, room: str) -> None:
    process, question = await asyncio.to_thread(asking, user, server, room, "Deploy?", "--name", "ci")
    async with chatty.join(server.url, room, name="CI") as other:
        await other.send("yes", reply_to=question)
        out, err = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
    assert out == b"yes\n"
    assert err.decode().startswith("note:  the room was not told the outcome (Somebody else holds the name")


def test_a_key_belongs_to_one_question(user: User, room: str) -> None:
    user.here.fails(5, "ask", room, "Deploy?", "--key", "K", "--timeout", "10ms")
    assert "--key K" in user.here.fails(6, "ask", room, "Something else?", "--key", "K", "--timeout", "10ms")


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
    assert outcomes(server, room) == ["cancelled"]
    process, _ = asking(user, server, room, "Reboot?", "--key", "K")
    process.send_signal(number)
    assert answer_of(process, status=128 + number) == ""
    assert outcomes(server, room) == ["cancelled", "cancelled; an answer still counts"]


def test_on_a_terminal_an_answer_is_shown_and_not_obeyed(user: User, server: Server, room: str) -> None:
    arguments = ["-m", "chatty", "ask", room, "Which version?"]
    child = pexpect.spawn(sys.executable, arguments, env=user.env, cwd=ROOT, timeout=PATIENCE, encoding="utf-8")
    wait_until(lambda: server.texts(room) != [])
    reply(server, room, server.history(room)[-1]["seq"], "1.4\x1b]0;evil\x07")
    assert child.read() == "1.4␛]0;evil␇\r\n"
    child.close()
    process, question = asking(user, server, room, "Which version?")
    reply(server, room, question, "1.4\x1b]0;evil\x07")
    assert answer_of(process) == "1.4\x1b]0;evil\x07\n"


def test_nobody_waits_for_an_answer_that_nobody_reads(user: User, server: Server, room: str) -> None:
    reader, writer = os.pipe()
    process, _ = asking(user, server, room, "Deploy?", stdout=writer)
    os.close(writer)
    os.close(reader)
    assert process.wait(PATIENCE) == 141


ANSWERED = talks(Message(2, AT, "Ada", "yes", reply_to=1), Live(2), last=2)


async def test_a_reader_that_has_the_answer_may_go_and_the_room_learns_it(user: User) -> None:
    told: list[str] = []
    reader, writer = os.pipe()

    async def outcome(request: web.Request) -> web.StreamResponse:
        told.append((await request.json())["text"])
        if len(told) > 1:
            return web.json_response({"seq": 3}, status=201)
        assert await asyncio.to_thread(os.read, reader, 100) == b"yes\n"
        os.close(reader)
        return await problem(503, "busy")(request)

    async with Scripted(says(201, '{"seq": 1}'), ANSWERED, outcome) as scripted:
        process = user.start("ask", "0" * 27, "Deploy?", "--server", scripted.url, stdout=writer)
        os.close(writer)
        assert await asyncio.to_thread(process.wait, PATIENCE) == 0
    assert told == ["answered by Ada: yes"] * 2


async def test_a_signal_behind_the_answer_does_not_keep_it_from_the_room(user: User) -> None:
    told: list[str] = []
    telling = asyncio.Event()
    async with Scripted(says(201, '{"seq": 1}'), ANSWERED, hangs_once(told, telling)) as scripted:
        process = user.start("ask", "0" * 27, "Deploy?", "--server", scripted.url)
        await telling.wait()
        process.terminate()
        out, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
    assert (process.returncode, out) == (128 + signal.SIGTERM, b"yes\n")
    assert told == ["answered by Ada: yes"] * 2


def test_a_server_that_is_not_there_is_told_at_once(user: User, room: str) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"
    said = user.here.fails(5, "ask", room, "Deploy?", "--default", "yes", "--timeout", "60s", "--server", elsewhere)
    assert "connection refused" in said


def test_a_room_that_is_not_there_is_status_3(user: User) -> None:
    assert "no room" in user.here.fails(3, "ask", "0" * 27, "Deploy?")


@pytest.mark.parametrize("arguments", [("Deploy?", "--default", "no"), ("Deploy?", "--choices", "yes,,no")])
def test_what_makes_no_sense_is_not_asked(user: User, server: Server, room: str, arguments: tuple[str, ...]) -> None:
    user.here.fails(2, "ask", room, *arguments)
    assert server.texts(room) == []


@pytest.mark.parametrize(("arguments", "said"), [(("",), b""), ((" ", "\t"), b""), ((), b""), ((), b" \n\n")])
def test_a_question_that_is_empty_is_not_asked(
    user: User, server: Server, room: str, arguments: tuple[str, ...], said: bytes
) -> None:
    told = user.here.fails(2, "ask", room, *arguments, "--choices", "yes,no", said=said)
    assert told.startswith("error: there is nothing to ask\nhint:  ")
    assert server.texts(room) == []


@pytest.mark.parametrize("said", [b"Deploy?" + b"\n" * 17_000 + b"Or not?", b"x" * 16_385])
def test_a_question_that_is_too_long_is_not_asked_cut_short(user: User, server: Server, room: str, said: bytes) -> None:
    told = user.here.fails(6, "ask", room, said=said)
    assert told == "error: the question is too long: a message holds at most 16,384 bytes\n"
    assert server.texts(room) == []
