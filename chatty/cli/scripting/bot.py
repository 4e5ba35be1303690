"""Answers messages by running a command for each. None is missed, and none is answered twice."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from chatty.cli.environment import Environment
from chatty.cli.scripting.cursor_file import CursorFile, SavedPosition
from chatty.cli.scripting.processes.handler import Handled, handle
from chatty.cli.scripting.processes.starting import cannot_start, signal_name
from chatty.cli.scripting.reply_pace import ReplyPace
from chatty.cli.scripting.retry import PASSING, idempotency_key, retry
from chatty.cli.targets import RoomTarget
from chatty.cli.terminal.cleaning import clean, clean_name
from chatty.cli.terminal.phrases import gap, unverified
from chatty.client.answers import is_by
from chatty.client.http import Http
from chatty.client.room import Room
from chatty.client.rules import Rules
from chatty.errors import ChattyError, Refused
from chatty.events import Message, StreamPosition
from chatty.names import same
from chatty.protocol import MESSAGE_BYTES, Frame, Gap, Unknown

__all__ = ["Bot", "Trigger"]

_AHEAD: Final = 100
"""How far work may be ahead of the oldest unfinished message. A run after a crash may repeat as many."""

MOST_AUTOMATIC: Final = 3
"""The length of a chain of automatic answers at which the bot stops answering."""

_PASSING: Final = PASSING | {"unauthorized"}
"""Refusals of a reply that say nothing about it. The room gives up if no other token comes in the place of this one."""

_HINT_SECONDS: Final = 2.0
"""How long the bot may take to find out whether its owner needs a hint."""

_CUT: Final = "\n… (cut: {:,} bytes)"
_CONFLICT: Final = "idempotency_conflict"
"""The refusal of a reply that an earlier run gave in other words."""


class Trigger(NamedTuple):
    """What a bot reacts to, and how: it runs ``command`` for each text that matches ``pattern``.

    At most ``jobs`` commands run at once, each for at most ``timeout`` seconds.
    ``automatic``: also for messages by programs, unless a chain of them gets
    long. ``per_minute``: how many replies there are in a minute; others wait.
    ``authors``: only their messages count; empty: everybody's.
    """

    pattern: re.Pattern[str]
    command: Sequence[str]
    jobs: int
    timeout: float
    automatic: bool
    per_minute: int
    authors: Sequence[str] = ()


@dataclass
class _Job:
    message: Message
    found: re.Match[str]
    epoch: str
    begun: float  # its entry in the pace
    done: bool = False

    @property
    def before(self) -> StreamPosition:
        """Where a run that has yet to do this job resumes."""
        return StreamPosition(self.epoch, self.message.seq - 1)


class Bot:
    """Replies as ``name`` in ``target``. ``identity`` tells this bot's replies from another one's.

    ``file`` remembers how far the bot has got: up to the oldest message that is
    still being worked on. The next run begins again with the messages behind
    that one; each still gets a single reply.
    """

    def __init__(
        self,
        env: Environment,
        target: RoomTarget,
        name: str,
        trigger: Trigger,
        http: Http,
        *,
        identity: str,
        file: CursorFile | None,
    ) -> None:
        self._env = env
        self._target = target
        self._name = name
        self._trigger = trigger
        self._http = http
        self._identity = identity
        self._file = file
        self._jobs: deque[_Job] = deque()
        self._reached = StreamPosition("", 0)
        self._saved: StreamPosition | None = None
        self._settled = asyncio.Event()
        self._pace = ReplyPace(trigger.per_minute, asyncio.get_running_loop().time)
        self._slow = False  # whether replies have to wait; a note says so when that begins
        self._verifies = False  # whether only verified names count
        self._noted: set[str] = set()  # why messages were not answered: one note each

    async def run(self, room: Room) -> None:
        """Work until the room is closed. Raises Failure, OSError, and the error that ended the room for good."""
        self._reached = room.cursor
        self._save()
        self._verifies = room.verifies_names
        await self._warn()
        try:
            async with asyncio.TaskGroup() as group:
                async for received in room.frames():
                    frame = received.frame
                    if isinstance(frame, Gap):
                        self._env.err(f"note:  {gap(frame)}")
                    found = self._match(frame)
                    if isinstance(frame, Message) and found:
                        job = _Job(frame, found, received.cursor.epoch, begun=await self._vacancy())
                        self._jobs.append(job)
                        group.create_task(self._do(job))
                    self._reached = received.cursor
                    if not room.held:
                        self._save()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self._save()

    def _match(self, frame: Frame | Unknown) -> re.Match[str] | None:
        """The match of ``frame``, if it is a message to work on."""
        if not isinstance(frame, Message) or frame.deleted or same(frame.participant, self._name):
            return None
        found = self._trigger.pattern.search(frame.text)
        return found if found and self._is_asked(frame) and self._may_answer(frame) else None

    def _is_asked(self, message: Message) -> bool:
        """Whether it is by somebody to whom the bot listens."""
        authors = self._trigger.authors
        if not authors or is_by(message, authors, verified=self._verifies):
            return True
        if is_by(message, authors, verified=False):
            self._note_once(message, f"{clean_name(message.participant)} is not verified")
        return False

    async def _warn(self) -> None:
        """Say once who may run the command, if that may be more people than its owner thinks."""
        authors = self._trigger.authors
        if self._verifies:
            return
        if authors:
            self._env.err(f"note:  {unverified('run the command', authors)}")
            return
        try:
            async with asyncio.timeout(_HINT_SECONDS):
                policy = await Rules(self._http, self._target.room_id).policy()
        except (ChattyError, TimeoutError):
            return  # the server is older, or busy
        if policy.everyone != "nobody":
            self._env.err("note:  everybody who knows this room's id can run the command; --from NAME limits that")

    def _may_answer(self, message: Message) -> bool:
        """Whether an answer is safe: two programs that answer each other would never stop."""
        if not message.automatic:
            return True
        if not self._trigger.automatic:
            reason = "it is by a program (--automatic answers these, too)"
        elif message.automatic >= MOST_AUTOMATIC:
            reason = f"it ends a chain of {MOST_AUTOMATIC} automatic messages or more"
        else:
            return True
        self._note_once(message, reason)
        return False

    def _note_once(self, message: Message, reason: str) -> None:
        if reason not in self._noted:
            self._note(message, f"not answered, because {reason}; further ones are not mentioned")
            self._noted.add(reason)

    async def _vacancy(self) -> float:
        """Return when another job may begin, with its entry in the pace."""
        at_once = self._trigger.jobs
        while sum(not job.done for job in self._jobs) >= at_once or len(self._jobs) >= max(at_once, _AHEAD):
            self._settled.clear()
            await self._settled.wait()
        return await self._slow_down()

    async def _slow_down(self) -> float:
        """Return when there may be another reply, with its entry in the pace.

        It slows down loops with programs that don't mark their messages.
        """
        wait = self._pace.wait()
        if wait and not self._slow:
            self._env.err(f"note:  {self._trigger.per_minute:,} replies in a minute; further ones have to wait")
        self._slow = wait > 0
        await asyncio.sleep(wait)
        return self._pace.begin()

    def _save(self) -> None:
        at = self._jobs[0].before if self._jobs else self._reached
        if self._file and at != self._saved:
            self._file.save(SavedPosition(self._target.room_id, at.epoch, at.seq))
            self._saved = at

    async def _do(self, job: _Job) -> None:
        if not await self._answer(job):
            self._pace.take_back(job.begun)
        job.done = True
        while self._jobs and self._jobs[0].done:
            self._jobs.popleft()
        self._save()
        self._settled.set()

    async def _answer(self, job: _Job) -> bool:
        """Run the command, and reply with its output. Gives whether there was a reply."""
        message = job.message
        try:
            handled = await handle(
                self._trigger.command,
                f"{message.text}\n".encode(),
                environ=_variables(self._env, self._target, message, job.found),
                timeout=self._trigger.timeout,
                most=MESSAGE_BYTES + 1,
                stderr=self._env.stderr.fileno(),
            )
        except OSError as error:
            raise cannot_start(self._trigger.command[0], error) from None
        text = _reply(handled)
        if handled.status != 0:
            self._note(message, _trouble(handled, self._trigger.timeout))
            return False
        if text:
            await self._reply(text, message, idempotency_key(self._identity, job.epoch, str(message.seq)))
        return bool(text)

    async def _reply(self, text: str, message: Message, unique: str) -> None:
        room_id, name = self._target.room_id, self._name
        try:
            await retry(
                lambda: self._http.send(
                    room_id,
                    text,
                    name=name,
                    reply_to=message.seq,
                    idempotency_key=unique,
                    automatic=message.automatic + 1,
                ),
                passing=_PASSING,
            )
        except Refused as refusal:
            if refusal.code == "unauthorized":
                raise  # the message stays to be answered, by a run whose token counts
            if refusal.code != _CONFLICT:
                self._note(message, f"the reply was refused ({clean(refusal.message, newlines=False)})")

    def _note(self, message: Message, what: str) -> None:
        self._env.err(f"note:  message {message.seq:,}: {what}")


def _variables(env: Environment, target: RoomTarget, message: Message, found: re.Match[str]) -> dict[str, str]:
    given = {
        "CHATTY_TEXT": message.text,
        "CHATTY_SEQ": str(message.seq),
        "CHATTY_PARTICIPANT": message.participant,
        "CHATTY_ROOM": target.room_id,
        "CHATTY_SERVER": target.server,
    }
    for variable, file in (("CHATTY_CACERT", target.profile.cacert), ("CHATTY_TOKEN_FILE", target.profile.token_file)):
        if file:
            given[variable] = str(file)
    given |= {f"CHATTY_MATCH_{number}": group or "" for number, group in enumerate(found.groups(), 1)}
    inherited = {name: value for name, value in env.environ.items() if not name.startswith("CHATTY_MATCH_")}
    # A variable can't hold NUL. Standard input has the text unchanged.
    return inherited | {name: value.replace("\0", "\ufffd") for name, value in given.items()}


def _reply(handled: Handled) -> str:
    text = handled.printed.decode("utf-8", "replace").rstrip()
    data = text.encode()  # U+FFFD may have made it longer
    if handled.size <= MESSAGE_BYTES and len(data) <= MESSAGE_BYTES:
        return text
    note = _CUT.format(handled.size)
    return data[: MESSAGE_BYTES - len(note.encode())].decode("utf-8", "ignore") + note


def _trouble(handled: Handled, timeout: float) -> str:
    if handled.status is None:
        return f"the command took longer than {timeout:g} s"
    if handled.status < 0:
        return f"the command was killed by {signal_name(-handled.status)}"
    return f"the command failed with {handled.status}"
