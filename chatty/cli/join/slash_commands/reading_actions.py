"""The slash commands that show something of the room."""

from __future__ import annotations

from typing import Final

from chatty import protocol
from chatty.cli.join.rendering import view
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.actions import Actions, Outcome
from chatty.cli.terminal.phrases import listed
from chatty.events import Message
from chatty.protocol import PAGE_EVENTS, decode_frame

__all__ = ["HISTORY", "HISTORY_MOST", "ReadingActions"]

HISTORY: Final = 100
"""Messages that ``/history`` shows when no number is given."""
HISTORY_MOST: Final = 5_000
FOUND: Final = 20
"""Messages that ``/search`` shows."""


class ReadingActions(Actions):
    """See `Actions`."""

    async def who(self) -> None:
        """Show who is in the room."""
        present = await self._http.participants(self._room_id)
        here, away = ([one for one in present if one.away is is_away] for is_away in (False, True))
        self._notice(f"{len(here):,} here: {listed(here)}")
        if away:
            self._notice(f"{len(away):,} away: {listed(away)}")

    def history(self, argument: str) -> Outcome:
        """Show the newest messages once more, or for the first time."""
        return self._newest(_count(argument))

    async def _newest(self, count: int) -> None:
        messages: list[Message] = []
        before: int | None = None
        more = True
        while more and len(messages) < count:
            limit = min(PAGE_EVENTS, count - len(messages))
            page = await self._http.events(self._room_id, before=before, limit=limit, types=("message",))
            older = _messages(page)
            messages[:0] = older
            more = page.more and bool(older)
            before = older[0].seq if older else None
        self._show(messages, f"history: {view.counted(len(messages), 'message')}", "end of the history")

    async def search(self, words: str) -> None:
        """Show the newest messages that have all the ``words``."""
        page = await self._http.events(self._room_id, q=words, limit=FOUND)
        found = _messages(page)
        if not found:
            self._notice(f"nothing found for: {words}")
            return
        which = f"the newest {len(found):,}" if page.more else f"{len(found):,}"
        self._show(found, f"found {which} for: {words}", "end of what was found")

    def _show(self, messages: list[Message], before: str, after: str) -> None:
        shown = [message for message in messages if not self._hidden.hides(message)]
        self._host.show(view.notice(before), *self._incoming.aside().lines(shown), view.notice(after))


def _messages(page: protocol.Page) -> list[Message]:
    return [frame for raw in page.events if isinstance(frame := decode_frame(bytes(raw)), Message)]


def _count(argument: str) -> int:
    if not argument:
        return HISTORY
    if not argument.isdecimal() or not 1 <= int(argument[:9]) <= HISTORY_MOST:
        raise Wrong(f"/history takes a number from 1 to {HISTORY_MOST:,}, for example /history 200")
    return int(argument)
