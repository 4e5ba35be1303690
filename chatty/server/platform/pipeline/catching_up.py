"""Catching up: from where a client left off, page by page at its own pace, into the live flow."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from chatty.events import Event, Happening, RoomClosed, StreamPosition
from chatty.protocol import PAGE_EVENTS, Close, Gap, Live, RoomInfo, decode_frame
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.subscriber import Subscriber
from chatty.server.platform.store.applying import StoredEvent
from chatty.server.platform.store.reads import Reads, RoomView, Slice
from chatty.server.platform.store.schema import KINDS

_MESSAGES: Final = (KINDS["message"],)


class StartAt(Struct, frozen=True):
    """Where a client wants to begin: after a position, or with the ``newest`` so many messages, or else now."""

    after: StreamPosition | None = None
    newest: int = 0


def resume(info: RoomInfo, seen: StreamPosition) -> tuple[int, Gap | None]:
    """The number to go on after for a client that has ``seen`` so much, and the gap if that can't be exact."""
    if seen.epoch and seen.epoch != info.epoch:
        return info.first - 1, Gap("epoch", info.first, info.last)
    if seen.seq > info.last:
        return info.last, Gap("ahead", info.first, info.last)
    if seen.seq < info.first - 1:
        return info.first - 1, Gap("retention", info.first, info.last)
    return seen.seq, None


def is_over(view: RoomView, start: StartAt) -> bool:
    """Whether nothing is left for a client that starts there, and nothing will ever be: the room is closed."""
    if not view.closed_at or start.newest:
        return False
    after = start.after
    return after is None or (after.epoch in ("", view.info.epoch) and after.seq >= view.info.last)


async def follow(subscriber: Subscriber, reads: Reads, hub: Hub, view: RoomView, start: StartAt) -> None:
    """Bring a subscriber to the head and into the live flow. It was welcomed with ``view``."""
    position = view.info.last
    if start.after is not None:
        position, gap = resume(view.info, start.after)
        if gap is not None:
            subscriber.send_control(gap)
    elif start.newest:
        await _replay_newest(subscriber, reads, view, start.newest)
        if view.closed_at:
            position -= 1  # the room's end, its last event, comes after its messages
    position, closed = await _page_to_head(subscriber, reads, hub, view, position)
    subscriber.send_control(Live(last=position))
    subscriber.position = position
    hub.go_live(subscriber, view.info.epoch)
    if closed:
        hub.detach(subscriber)
        subscriber.cut(Close.ROOM_CLOSED)


async def _replay_newest(subscriber: Subscriber, reads: Reads, view: RoomView, count: int) -> None:
    """The newest ``count`` messages of the welcome's: a restart's comings and goings don't push talk out of sight.

    What has been said since then comes besides, and takes nobody's place.
    """
    position = await reads.before_newest_messages(view.key, count, upto=view.info.last)
    while True:
        page = await reads.page(
            view.key, after=position, before=view.info.last + 1, limit=PAGE_EVENTS, kinds=_MESSAGES
        )  # fmt: skip
        if not page.seqs:
            return
        position = (await _send_page(subscriber, view, page)).seq


async def _page_to_head(
    subscriber: Subscriber, reads: Reads, hub: Hub, view: RoomView, position: int
) -> tuple[int, bool]:
    """Pages until nothing is missing; from one page before the head on, what happens is held.

    Gives the last number, and whether the room has ended: also while pages were read.
    """
    head, held, closed = view.info.last, False, bool(view.closed_at)
    while True:
        if not held and head - position <= PAGE_EVENTS:
            hub.attach(subscriber, position)
            held = True
            # Only what is read after the attaching can be compared with what is held.
            head = await reads.last(view.key)
        if held and position >= head:
            return position, closed
        page = await reads.page(view.key, after=position, limit=PAGE_EVENTS)
        next_kept = page.seqs[0] if page.seqs else head + 1
        if next_kept > position + 1:  # forgotten since the welcome
            subscriber.send_control(Gap("retention", next_kept, head))
            position = next_kept - 1
        if page.seqs:
            event = await _send_page(subscriber, view, page)
            position, closed = event.seq, closed or isinstance(event, RoomClosed)
        if not held:
            head = await reads.last(view.key)


async def _send_page(subscriber: Subscriber, view: RoomView, page: Slice) -> Happening:
    """Write a page; gives its last event."""
    events: list[StoredEvent] = []
    for seq, body in zip(page.seqs, page.bodies, strict=True):
        event = decode_frame(body)
        assert isinstance(event, Event)
        events.append((seq, body, event))
    blob = subscriber.dialect.events(events, view.info.epoch)
    subscriber.send(blob)
    await subscriber.drained()
    return events[-1][2]
