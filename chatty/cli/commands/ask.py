"""``chatty ask``: asks a question in a room, and prints the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.options import (
    JsonOption,
    NameOption,
    RoomArgument,
    WaitOption,
    at_server,
    duration,
    environment,
    filled,
    text_of,
)
from chatty.cli.targets import RoomTarget, about, resolve_room, speaking_name
from chatty.cli.terminal.cleaning import clean

if TYPE_CHECKING:
    from chatty.cli.scripting.asker import Asker, Found


EXAMPLES: Final = (
    'chatty ask deploys "Deploy 1.4?" --choices yes,no --timeout 10m --default no',
    'chatty ask deploys "Which version?" --from Ada --key "release-$N"',
)

_NOTHING: Final = "there is nothing to ask"


class AskOptions(NamedTuple):
    """The command line, parsed. Times are in seconds."""

    target: RoomTarget
    name: str | None
    text: str | None
    choices: tuple[str, ...]
    answerers: tuple[str, ...]
    timeout: float | None
    default: str | None
    key: str | None
    wait: float
    json: bool


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    question: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="The question. [default: standard input]")
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
    timeout: Annotated[
        float | None, duration("--timeout", "Give up with status 5 if no answer comes in this time.")
    ] = None,
    default: Annotated[
        str | None,
        typer.Option("--default", metavar="TEXT", help="The answer if none comes in time, with status 0."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="K",
            parser=filled,
            help="Another run with the same K continues to wait and doesn't ask again.",
        ),
    ] = None,
    name: NameOption = None,
    wait: WaitOption = 0.0,
    json: JsonOption = False,
) -> int:
    """Ask a question in a room, and print the answer.

    The answer is the first reply or reaction to the question that is one of
    the choices, or a bare choice as the next message. The room sees the
    outcome. The status is 0 if there is an answer, and 5 if there is none.
    """
    from chatty.cli.runner import run

    env = environment(ctx)
    if not question and env.stdin.isatty():
        raise usage(_NOTHING, 'chatty ask ROOM "Deploy 1.4?" --choices yes,no')
    text = text_of(question)
    if text is not None and not text.strip():
        raise usage(_NOTHING, "the question is empty; if it comes from a variable, is that set?")
    if default is not None and timeout is None:
        raise usage("--default needs --timeout", "say how long to wait: --timeout 10m")
    chosen = tuple(choice.strip() for choice in choices.split(",")) if choices is not None else ()
    if not all(chosen):
        raise usage("--choices: one of them is empty", "write them as in --choices yes,no")
    target = resolve_room(env, room, at)
    options = AskOptions(target, name, text, chosen, tuple(answerers or ()), timeout, default, key, wait, json)
    return run(_ask(env, options))


async def _ask(env: Environment, options: AskOptions) -> int:
    from chatty.cli.credentials import credential
    from chatty.cli.scripting.asker import Asker
    from chatty.cli.scripting.retry import idempotency_key, retry
    from chatty.cli.scripting.standard_streams import Output
    from chatty.client.answers import Answer, outcome_text, question_text
    from chatty.client.identity import new_secret
    from chatty.protocol import encode

    target = options.target
    key = credential(env, target.profile, target.server, lasting=options.key is not None)
    unique = idempotency_key("ask", options.key if options.key is not None else new_secret())
    with about(env, target) as news:
        async with target.http(key) as http:
            name = await retry(lambda: speaking_name(env, target, key, options.name), wait=options.wait)
            asker = Asker(env, target, http, name=name, key=key, as_json=options.json)
            with Output(env.stdout.fileno()) as out:
                text = question_text(options.text if options.text is not None else await _read(env), options.choices)
                await _pose(asker, text, unique, options)
                news.found()
                found = await _found_in_time(asker, options)
                if found is None and options.default is None:
                    raise Failure(ExitStatus.UNREACHABLE, "timed_out", f"no answer came in {options.timeout:g} s")
                if found is None:
                    answer = Answer(options.default or "", "", 0, "default")
                    raw = encode({"event_type": "default", "text": answer.text}).decode()
                else:
                    answer, raw = found.answer, found.raw
                await out.write(f"{raw if options.json else _shown(env, answer.text)}\n".encode())
            # From here on the reader may go: it has what it came for, as `grep -q` has.
            if found and found.old:
                asker.note_old_answer(answer, found.old)
            await asker.announce(outcome_text(answer))
    return ExitStatus.DONE


def _shown(env: Environment, text: str) -> str:
    """The answer as it was written; on a terminal, which would obey it, so that it is safe to show."""
    return clean(text) if env.stdout.isatty() else text


async def _pose(asker: Asker, text: str, unique: str, options: AskOptions) -> None:
    """Post the question, unless an earlier run with the same ``--key`` did."""
    from chatty.errors import Refused

    try:
        await asker.ask(text, unique, wait=options.wait, again=options.key is not None)
    except Refused as refusal:
        if refusal.code != "idempotency_conflict":
            raise
        message = f"another question was asked with --key {options.key}"
        raise Failure(ExitStatus.REFUSED, refusal.code, message, "choose another key for it") from None


async def _found_in_time(asker: Asker, options: AskOptions) -> Found | None:
    """The answer, or None if there is none in time. The room sees an end without an answer."""
    import asyncio

    from chatty.client.answers import CANCELLED, TIMED_OUT

    limit = asyncio.timeout(options.timeout)
    try:
        async with limit:
            return await asker.answer(options.choices, options.answerers)
    except TimeoutError:
        if not limit.expired():
            raise
        if options.default is None:
            await asker.announce(TIMED_OUT)
        return None
    except asyncio.CancelledError:
        # Another run with the same key continues to wait.
        outcome = CANCELLED if options.key is None else f"{CANCELLED}; an answer still counts"
        await asker.announce(outcome, at_once=True)
        raise


async def _read(env: Environment) -> str:
    from chatty.cli.scripting.standard_streams import chunks
    from chatty.protocol import MESSAGE_BYTES

    data = b""
    async for chunk in chunks(env.stdin.fileno()):
        data += chunk
        if len(data) > MESSAGE_BYTES:  # what is left of it by then could be another question
            message = f"the question is too long: a message holds at most {MESSAGE_BYTES:,} bytes"
            raise Failure(ExitStatus.REFUSED, "message_too_long", message)
    text = data.decode("utf-8", "replace").rstrip("\n")
    if not text.strip():
        raise usage(_NOTHING, "standard input is empty; give a question as an argument, or by a pipe")
    return text
