"""``chatty send``: sends messages to a room, and succeeds only when all of them are stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain, usage
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

if TYPE_CHECKING:
    from chatty.cli.scripting.lines import Lines
    from chatty.cli.scripting.sender import Sender

EXAMPLES: Final = (
    'chatty send deploys "release 1.4 is out"',
    "make release 2>&1 | chatty send deploys --name ci",
)

_MAY_PASS: Final = (ExitStatus.FAILED, ExitStatus.UNREACHABLE)
"""Statuses of runs that are worth repeating."""


COLORED: Final = 8
"""A text that is in colour may be so many times as long as it is without."""


class SendOptions(NamedTuple):
    """The command line, parsed. Times are in seconds."""

    target: RoomTarget
    name: str | None
    text: str | None
    block: bool
    key: str | None
    strict: bool
    raw: bool
    wait: float
    timeout: float
    json: bool


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    room: RoomArgument,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="One message. [default: standard input, one message per line]"),
    ] = None,
    name: NameOption = None,
    block: Annotated[bool, typer.Option("--block", help="Send all of standard input as one message.")] = False,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="K",
            parser=filled,
            help="Another run on the same input with the same K sends the rest.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a line that is blank, too long, coloured or not UTF-8.")
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Send standard input with its colours and carriage returns.")
    ] = False,
    wait: WaitOption = 0.0,
    timeout: Annotated[
        float, duration("--timeout", "Give up if nothing is acknowledged for this time. [default: 5m]")
    ] = 300.0,
    json: JsonOption = False,
) -> int:
    """Send messages to a room, without joining it.

    The arguments are one message; without any, each line of standard input is
    one. The status is 0 only if the server has stored all of them.
    """
    from chatty.cli.runner import run

    env = environment(ctx)
    if not text and env.stdin.isatty():
        raise usage("there is nothing to send", "chatty send ROOM hello, or: command | chatty send ROOM")
    target = resolve_room(env, room, at)
    return run(_send(env, SendOptions(target, name, text_of(text), block, key, strict, raw, wait, timeout, json)))


async def _send(env: Environment, options: SendOptions) -> int:
    from chatty.cli.credentials import credential
    from chatty.cli.scripting.lines import Lines
    from chatty.cli.scripting.retry import retry
    from chatty.cli.scripting.sender import Sender
    from chatty.cli.scripting.standard_streams import Output
    from chatty.client.identity import producer_from_key
    from chatty.client.room import Room, join
    from chatty.client.states import Slowed, State

    target = options.target
    key = credential(env, target.profile, target.server, lasting=options.key is not None)
    producer = producer_from_key(options.key) if options.key is not None else None
    lines = Lines(strict=options.strict, raw=options.raw)
    # A little less than for an ack, so that the error is the server's reason.
    transient = max(options.timeout / 2, options.timeout - 3)

    sender: Sender | None = None
    told = False

    def slowed(state: State) -> None:
        nonlocal told
        if isinstance(state, Slowed) and sender is not None:
            sender.hold(state.in_seconds)
            if not told and env.stderr.isatty():
                env.err(f"note:  the room is in slow mode; the next message goes out in {state.in_seconds:,.0f} s")
            told = True

    async def enter() -> Room:
        name = await speaking_name(env, target, key, options.name)
        room = join(
            target.server, target.room_id, name=name, key=key, participate=False, producer=producer,
            transient=transient, cacert=target.profile.cacert, on_state=slowed,
        )  # fmt: skip
        return await stack.enter_async_context(room)

    async with AsyncExitStack() as stack:
        acks = stack.enter_context(Output(env.stdout.fileno())) if options.json else None
        news = stack.enter_context(about(env, target))
        stack.enter_context(_worth_another_try())
        room = await retry(enter, wait=options.wait, transient=options.wait)
        news.found()
        sender = Sender(room, timeout=options.timeout, acks=acks)
        try:
            await sender.everything(_messages(env, options, lines))
        except Exception as error:
            raise _with_account(error, sender, options) from error
        finally:
            _note_changes(env, lines, as_json=options.json)
        if sender.acked < sender.stored_before:
            raise _shorter_input(sender, options)
        if sender.stored_before:
            _note_repeats(env, sender, options)
    if sender.refused:
        raise _partly(sender)
    return ExitStatus.DONE


@contextmanager
def _worth_another_try() -> Iterator[None]:
    """Give refusals that only concern the moment the status of a server that can't be reached."""
    from chatty.client.outbox import TRANSIENT
    from chatty.errors import Refused

    try:
        yield
    except (Refused, Failure) as error:
        failure = explain(error)
        if failure.code not in TRANSIENT:
            raise
        failure.status = ExitStatus.UNREACHABLE
        raise failure from None


async def _messages(env: Environment, options: SendOptions, lines: Lines) -> AsyncIterator[str]:
    from chatty.cli.scripting.standard_streams import chunks

    if options.text is not None:
        yield options.text
        return
    arriving = chunks(env.stdin.fileno())
    if options.block:
        yield await _whole(arriving, lines, options)
        return
    async for chunk in arriving:
        for text in lines.feed(chunk):
            yield text
    for text in lines.end():
        yield text


async def _whole(arriving: AsyncIterator[bytes], lines: Lines, options: SendOptions) -> str:
    from chatty.cli.scripting.lines import uncolored_rows
    from chatty.protocol import MESSAGE_BYTES

    data = b""
    most = MESSAGE_BYTES + 1 if options.raw else COLORED * MESSAGE_BYTES
    async for chunk in arriving:
        data += chunk
        if len(data) > most:
            raise _too_long()
    try:
        text = data.removesuffix(b"\n").decode("utf-8", "strict" if options.strict else "replace")
    except UnicodeDecodeError:
        raise Failure(ExitStatus.REFUSED, "bad_request", "the text is not UTF-8") from None
    if not options.raw:
        text, lines.uncolored = uncolored_rows(text)
        if lines.uncolored and options.strict:
            hint = "--raw sends it as it is"
            raise Failure(ExitStatus.REFUSED, "bad_request", "the text has colours, or a CR at the end of a line", hint)
    if len(text.encode()) > MESSAGE_BYTES:
        raise _too_long()
    return text


def _too_long() -> Failure:
    from chatty.protocol import MESSAGE_BYTES

    hint = "without --block each line is a message of its own"
    message = f"the text is too long: a message holds at most {MESSAGE_BYTES:,} bytes"
    return Failure(ExitStatus.REFUSED, "message_too_long", message, hint)


def _partly(sender: Sender) -> Failure:
    first, count = sender.refused[0], len(sender.refused)
    message = first.message
    if count + sender.acked > 1:
        message = f"{count:,} of {count + sender.acked:,} messages were refused: {message}"
    return Failure(ExitStatus.REFUSED, first.code, message)


def _with_account(error: Exception, sender: Sender, options: SendOptions) -> Failure:
    """``error`` as a failure that also says how many messages are stored."""
    from chatty.cli.scripting.lines import Odd
    from chatty.client.outbox import TRANSIENT
    from chatty.errors import Refused

    if isinstance(error, Refused) and error.code == "idempotency_conflict":
        return _other_input(sender, options)
    if isinstance(error, Odd):
        failure = Failure(
            ExitStatus.REFUSED,
            "bad_request",
            f"line {error.number:,} {error.why}; neither it nor anything after it was sent",
        )
    else:
        failure = explain(error)
    if sender.acked + sender.unacked > 1:
        failure.message += f" ({sender.acked:,} stored, {sender.unacked:,} not known)"
        if not failure.hint and (failure.status in _MAY_PASS or failure.code in TRANSIENT):
            again = "run it again on the same input: it" if options.key is not None else "with --key a second run"
            failure.hint = f"{again} sends what is missing"
    return failure


def _other_input(sender: Sender, options: SendOptions) -> Failure:
    """The failure of an input that isn't the one that this key began with."""
    count = sender.acked + 1
    if options.text is not None or options.block:
        message = f"another text was sent with --key {options.key}"
    elif count == 1:
        message = f"the first line is not the one that was sent with --key {options.key}"
    else:
        message = f"the first {count:,} lines are not those that were sent with --key {options.key}"
    if count <= sender.stored_before:
        message += "; nothing was sent"
    return Failure(ExitStatus.REFUSED, "idempotency_conflict", message, "send the same input, or choose another key")


def _shorter_input(sender: Sender, options: SendOptions) -> Failure:
    """The failure of an input that is shorter than the one that this key began with."""
    before, here = f"{sender.stored_before:,}", f"{sender.acked:,}"
    message = f"{before} messages were sent with --key {options.key}, and this input has {here}; nothing was sent"
    return Failure(ExitStatus.REFUSED, "idempotency_conflict", message, "send the same input, or choose another key")


def _note_repeats(env: Environment, sender: Sender, options: SendOptions) -> None:
    """Print how much of the input an earlier run had sent."""
    before, total = sender.stored_before, sender.acked
    if options.json:
        from chatty.protocol import encode

        env.err(encode({"event_type": "note", "already_stored": before, "messages": total}).decode())
    elif options.text is not None or options.block:
        env.err("note:  the message was already stored")
    else:
        env.err(f"note:  {before:,} of {total:,} lines were already stored")


def _note_changes(env: Environment, lines: Lines, *, as_json: bool) -> None:
    """Print how many lines could not be sent as they were."""
    counts = {
        "blank": lines.blank, "split": lines.split, "repaired": lines.repaired, "uncolored": lines.uncolored,
    }  # fmt: skip
    if not any(counts.values()):
        return
    if as_json:
        from chatty.protocol import encode

        env.err(encode({"event_type": "note", **counts}).decode())
        return
    words = {
        "blank": "{:,} blank, skipped",
        "split": "{:,} too long, split",
        "repaired": "{:,} not UTF-8, repaired",
        "uncolored": "{:,} with colours or a CR at the end, sent without",
    }
    env.err("note:  lines: " + "; ".join(words[kind].format(count) for kind, count in counts.items() if count))
