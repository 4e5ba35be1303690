"""``chatty ask``: asks a question in a room, and prints the answer."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.options import (
    CacertOption,
    JsonOption,
    NameOption,
    ProfileOption,
    RoomArgument,
    ServerOption,
    WaitOption,
    check_key,
    duration,
    environment,
    filled,
    text_of,
)
from chatty.cli.targets import RoomTarget, about, participant_name, resolve_room

if TYPE_CHECKING:
    from chatty.client.answers import Question


EXAMPLES: Final = (
    'chatty ask deploys "Deploy 1.4?" --choices yes,no --timeout 10m --default no',
    'chatty ask deploys "Which version?" --from Ada --key "release-$N"',
)


class AskOptions(NamedTuple):
    """What was asked for on the command line. Times are in seconds."""

    target: RoomTarget
    name: str
    text: str | None
    choices: tuple[str, ...]
    answerers: tuple[str, ...]
    timeout: float | None
    default: str | None
    key: str | None
    wait: float
    json: bool


class Answer(NamedTuple):
    """What was answered, and the event that did it, as it came."""

    text: str
    raw: str


def command(
    ctx: typer.Context,
    room: RoomArgument,
    question: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="The question; without it, standard input.")
    ] = None,
    choices: Annotated[
        str | None,
        typer.Option("--choices", metavar="A,B", help="Only these are answers; 👍 and 👎 mean yes and no."),
    ] = None,
    answerers: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="NAME",
            parser=filled,
            help="Only NAME may answer. May be repeated.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[float | None, duration("--timeout", "Wait so long for the answer, then end with 5.")] = None,
    default: Annotated[
        str | None,
        typer.Option("--default", metavar="TEXT", help="The answer if none comes in time; the status is 0 then."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="K", parser=filled, help="A run with the same K goes on waiting, and asks nothing twice."
        ),
    ] = None,
    name: NameOption = None,
    wait: WaitOption = 0.0,
    server: ServerOption = None,
    profile: ProfileOption = None,
    cacert: CacertOption = None,
    json: JsonOption = False,
) -> int:
    """Ask a question in a room, and print the answer.

    The answer is the first reply to the question, or reaction to it, that
    is one of the choices. Ends with 0 for an answer, and with 5 for none.
    """
    from chatty.cli.runner import run

    env = environment(ctx)
    check_key(key)
    if not question and env.stdin.isatty():
        raise usage("there is nothing to ask", 'chatty ask ROOM "Deploy 1.4?" --choices yes,no')
    if default is not None and timeout is None:
        raise usage("--default is for when no answer comes in time; say --timeout, too")
    chosen = tuple(choice.strip() for choice in choices.split(",")) if choices is not None else ()
    if not all(chosen):
        raise usage("--choices: one of them is empty", "they look like yes,no")
    target = resolve_room(env, room, server=server, profile=profile, cacert=cacert)
    who = participant_name(env, name, target.profile)
    options = AskOptions(
        target, who, text_of(question), chosen, tuple(answerers or ()), timeout, default, key, wait, json
    )
    return run(_ask(env, options))


async def _ask(env: Environment, options: AskOptions) -> int:
    import asyncio

    from chatty.cli.config import client_key
    from chatty.cli.scripting.streams import Output

    target = options.target
    key = client_key(env, target.profile, target.server, lasting=options.key is not None)
    with Output(env.stdout.fileno()) as out, about(env, target):
        question = await _question(env, options, key)
        limit = asyncio.timeout(options.timeout)
        try:
            async with limit:
                answer = await _answer(options, key, question)
        except TimeoutError:
            if not limit.expired():
                raise
            answer = _default(options)
        await out.write(f"{answer.raw if options.json else answer.text}\n".encode())
    return ExitStatus.DONE


async def _question(env: Environment, options: AskOptions, key: str) -> Question:
    """Asks it, unless an earlier run with the same ``--key`` has."""
    from chatty.cli.scripting.retry import idempotency_key, retry
    from chatty.client.answers import Question, question_text
    from chatty.client.http import Http
    from chatty.client.identity import new_secret
    from chatty.errors import Refused

    text = question_text(options.text if options.text is not None else await _read(env), options.choices)
    unique = idempotency_key("ask", options.key if options.key is not None else new_secret())
    room_id = options.target.room_id
    async with Http(options.target.server, key=key, cacert=options.target.profile.cacert) as http:
        try:
            seq = await retry(
                lambda: http.send(room_id, text, name=options.name, receipt=unique, automatic=1), wait=options.wait
            )
        except Refused as refusal:
            if refusal.code != "idempotency_conflict":
                raise
            message = f"another question was asked with --key {options.key}"
            raise Failure(ExitStatus.REFUSED, refusal.code, message, "choose another key for it") from None
    return Question(seq, options.choices, options.answerers)


async def _answer(options: AskOptions, key: str, question: Question) -> Answer:
    """Waits for the answer, which may have come while nobody waited. Raises what ended the room for good."""
    from chatty.cli.scripting.retry import retry
    from chatty.client.room import join
    from chatty.errors import Refused
    from chatty.events import MessageDeleted, MessageEdited
    from chatty.protocol import Gap

    target = options.target
    replies = set()
    async with AsyncExitStack() as stack:
        room = await retry(
            lambda: stack.enter_async_context(
                join(
                    target.server,
                    target.room_id,
                    key=key,
                    participate=False,
                    since=question.seq,
                    cacert=target.profile.cacert,
                )
            )
        )
        async for received in room.frames():
            frame = received.frame
            if isinstance(frame, Gap) and frame.reason != "retention":
                message = "the server's data was replaced, and the question may be gone with it"
                raise Failure(ExitStatus.FAILED, "failed", message, "ask again, with another --key if it had one")
            if isinstance(frame, MessageDeleted) and frame.of == question.seq:
                raise Failure(ExitStatus.FAILED, "failed", "the question was deleted before an answer came")
            if question.is_reply(frame):
                replies.add(received.cursor.seq)
            if isinstance(frame, MessageEdited) and frame.of not in replies:
                continue
            answer = question.answer(frame)
            if answer is not None:
                return Answer(answer, received.raw)
    raise Refused("room_closed", "the room was closed before an answer came")


def _default(options: AskOptions) -> Answer:
    """The answer that nobody gave. Raises Failure where there is none."""
    from chatty.protocol import encode

    if options.default is None:
        raise Failure(ExitStatus.UNREACHABLE, "timed_out", f"no answer came in {options.timeout:g} s")
    return Answer(options.default, encode({"event_type": "default", "text": options.default}).decode())


async def _read(env: Environment) -> str:
    from chatty.cli.scripting.streams import chunks
    from chatty.protocol import MESSAGE_BYTES

    data = b""
    async for chunk in chunks(env.stdin.fileno()):
        data += chunk
        if len(data) > MESSAGE_BYTES + 1:
            break  # whoever stores it says that it is too long
    return data.decode("utf-8", "replace").rstrip("\n")
