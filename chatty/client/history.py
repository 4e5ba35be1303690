"""A room's past messages as one stream, fetched page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from chatty.client.requests import Requests
from chatty.events import Message
from chatty.protocol import PAGE_EVENTS, Page, decode_frame

__all__ = ["messages"]


async def messages(
    server: Requests,
    room_id: str,
    *,
    search: str | None = None,
    sender: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> AsyncIterator[Message]:
    """The room's messages as they are now; see `chatty.client.room.Room.history`."""
    left = PAGE_EVENTS if limit is None else limit
    where: dict[str, int] = {} if newest_first else {"after": 0}
    async with server as http:
        while left > 0:
            page = await http.events(
                room_id,
                types=["message"],
                limit=min(left, PAGE_EVENTS),
                q=search,
                sender=sender,
                since=since,
                until=until,
                **where,
            )
            found = _messages(page)
            for message in reversed(found) if newest_first else found:
                yield message
            if not found or not page.more:
                return
            where = {"before": found[0].seq} if newest_first else {"after": found[-1].seq}
            if limit is not None:
                left -= len(found)


def _messages(page: Page) -> list[Message]:
    frames = [decode_frame(bytes(event)) for event in page.events]
    return [frame for frame in frames if isinstance(frame, Message)]
