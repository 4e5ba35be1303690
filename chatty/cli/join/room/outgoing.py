"""Commands on their way to the room: messages, reactions, a new name, a new topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, assert_never

from msgspec import Struct
from rich.text import Text

from chatty import protocol
from chatty.cli.join.rendering import view
from chatty.cli.join.room.message_target import Line
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.terminal.cleaning import clean
from chatty.client.room import Room
from chatty.errors import ChattyError, Refused
from chatty.protocol import Ack, Say

__all__ = ["Outgoing", "Posted", "Returned"]


class Posted(Struct, eq=False):
    """A command on its way, the line that it was ``typed`` as, and that ``line``'s choices.

    ``seq`` is its number in the room, 0 as long as that isn't known, and if it is ``refused``.
    """

    command: Say
    typed: str
    line: Line | None
    seq: int = 0
    refused: bool = False

    @property
    def text(self) -> str:
        """What it says, if it is a message."""
        return self.command.text if isinstance(self.command, protocol.Send) else ""


class Returned(NamedTuple):
    """A line that goes back into the prompt, and its choices."""

    text: str
    line: Line | None


class Outgoing:
    """Sends what is posted, in order. ``show`` shows lines; ``changed`` is called when anything else has to be."""

    def __init__(self, *, show: Callable[..., None], changed: Callable[[], None]) -> None:
        self.keeps = False
        """Whether what is on its way when one leaves goes out when one is back."""
        self._show = show
        self._changed = changed
        self._queue: asyncio.Queue[Posted] = asyncio.Queue()
        self._on_their_way: list[Posted] = []
        self._returned: list[Returned] = []
        self._answered = asyncio.Event()

    def post(self, command: Say, typed: str, line: Line | None, *, most: int) -> Posted:
        """Send ``command`` when its turn comes. Raises Wrong if its text has more than ``most`` bytes."""
        if isinstance(command, protocol.Send | protocol.Edit):
            size = len(command.text.encode())
            if size > most:
                raise Wrong(f"too long: {size:,} bytes, and a message holds {most:,}; send it in parts")
        posted = Posted(command, typed, line)
        self._on_their_way.append(posted)
        self._queue.put_nowait(posted)
        self._changed()
        return posted

    async def send_to(self, room: Room, *, accepted: Callable[[Posted, Ack], None]) -> None:
        """Send what is posted to ``room``, until the connection has ended; ``accepted`` gets it with its ack.

        First it sends what an earlier run, which was killed, has left.
        """
        resumed = [(Posted(command, _typed(command), None), ack) for command, ack in room.resumed]
        self._on_their_way[:0] = [posted for posted, _ in resumed]
        self._changed()
        for posted, ack in resumed:
            ack.add_done_callback(partial(self._acked, posted, accepted))
        while True:
            posted = await self._queue.get()
            try:
                ack = await room.say(posted.command)
            except OSError as error:  # of the journal: nothing was sent
                self._refused(posted, f"it can't be kept until it is acked ({error.strerror})")
                continue
            except ChattyError:  # listening to the room raises it, too
                return
            ack.add_done_callback(partial(self._acked, posted, accepted))

    def _acked(self, posted: Posted, accepted: Callable[[Posted, Ack], None], ack: asyncio.Future[Ack]) -> None:
        error = None if ack.cancelled() else ack.exception()
        if ack.cancelled() or (error and not isinstance(error, Refused)):
            return  # nobody knows what became of it: it stays among the unsent
        if isinstance(error, Refused):
            self._refused(posted, _reason(error))
            return
        self._done(posted)
        posted.seq = ack.result().seq or posted.seq  # the ack that told it may be lost: then its event tells
        accepted(posted, ack.result())
        self._changed()

    def _refused(self, posted: Posted, why: str) -> None:
        self._done(posted)
        posted.refused = True
        self._show(*view.not_sent(why, posted.typed))
        self.give_back(posted.typed, posted.line)

    def _done(self, posted: Posted) -> None:
        self._on_their_way.remove(posted)
        self._answered.set()

    def give_back(self, text: str, line: Line | None) -> None:
        """Put ``text`` into the prompt, with the choices of ``line``."""
        self._returned.append(Returned(text, line))
        self._changed()

    def refused(self) -> list[str]:
        """The lines that were given back, and that nobody asked for yet."""
        return [returned.text for returned in self._returned]

    def returned(self) -> list[Returned]:
        """The lines that were given back since this was asked last."""
        returned, self._returned = self._returned, []
        return returned

    @property
    def waiting(self) -> int:
        """How many have not been acked."""
        return len(self._on_their_way)

    def pending(self) -> list[str]:
        """The lines on their way, oldest first, safe to show."""
        return [clean(posted.typed) for posted in self._on_their_way]

    def unsent(self) -> list[Text]:
        """The messages that were never acked, as lines to leave behind."""
        why = "the server didn't confirm it" + ("; it goes out when you join again" if self.keeps else "")
        return [line for posted in self._on_their_way for line in view.not_sent(why, posted.typed)]

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        while self._on_their_way:
            self._answered.clear()
            await self._answered.wait()


def _typed(command: Say) -> str:
    """A line that would do what ``command`` does."""
    match command:
        case protocol.Send(text=text, reply_to=reply_to) if reply_to:
            return f"/reply #{reply_to} {text}"
        case protocol.Send(text=text, action=action):
            return f"/me {text}" if action else f"/{text}" if text.startswith("/") else text
        case protocol.Edit(text=text):
            return f"/edit {text}"
        case protocol.Delete(of=of):
            return f"/delete #{of}"
        case protocol.React(of=of, reaction=reaction, remove=remove):
            return f"/{'unreact' if remove else 'react'} {reaction} #{of}"
        case protocol.SetTopic(topic=topic):
            return f"/topic {topic or '-'}"
        case protocol.Rename(name=name):
            return f"/nick {name}"
        case _:
            assert_never(command)


def _reason(error: Refused) -> str:
    return f"{error.message} ({error.retry_after:.0f} s)" if error.retry_after else error.message
