"""Catching up: from where a client left off, page by page at its own pace, into the live flow.

The store is read in pages while the room goes on. As soon as at most one page
is missing, the subscriber is attached to the hub, which then holds what happens.
The last page and what is held overlap, and the hub drops what was read already.
So every event comes once and in order, or a gap is announced before it.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from chatty.events import Event, Happening, RoomClosed, StreamPosition
from chatty.protocol import PAGE_EVENTS, Close, Gap, Live, RoomInfo, decode_frame
from chatty.server.business.access import Action
from chatty.server.business.entries import Rejection
from chatty.server.platform.pipeline.hub import Hub
from chatty.server.platform.pipeline.subscriber import Subscriber
from chatty.server.platform.store.applied import StoredEvent
from chatty.server.platform.store.reads import Reads, RoomView, Slice
from chatty.server.platform.store.schema import KINDS

_MESSAGES: Final = (KINDS["message"],)


class StartAt(Struct, frozen=True):
    """Where a client wants to start: after a position, or with so many of the ``newest`` messages, or else now."""

    after: StreamPosition | None = None
    newest: int = 0


def resume(info: RoomInfo, seen: StreamPosition) -> tuple[int, Gap | None]:
    """The number after which a client goes on that has ``seen`` so much, and the gap if that can't be exact."""
    if seen.epoch and seen.epoch != info.epoch:
        return info.first - 1, Gap("epoch", info.first, info.last)
    if seen.seq > info.last:
        return info.last, Gap("ahead", info.first, info.last)
    if seen.seq < info.first - 1:
        return info.first - 1, Gap("retention", info.first, info.last)
    return seen.seq, None


def is_over(view: RoomView, start: StartAt) -> bool:
    """Whether there is nothing left for a client that starts there, and never will be, because the room is closed."""
    if not view.closed_at or start.newest:
        return False
    after = start.after
    return after is None or (after.epoch in ("", view.info.epoch) and after.seq >= view.info.last)


async def follow(subscriber: Subscriber, reads: Reads, hub: Hub, view: RoomView, start: StartAt) -> None:
    """Bring a subscriber to the head and into the live flow. Its welcome showed the room as ``view``."""
    # Where to begin. A gap is announced before the first event that follows it.
    position = view.info.last
    if start.after is not None:
        position, gap = resume(view.info, start.after)
        hub.resumes += 1
        if gap is not None:
            hub.gaps[gap.reason] += 1
            subscriber.send_control(gap)
    elif start.newest:
        await _replay_newest(subscriber, reads, view, start.newest)
        if view.closed_at:
            position -= 1  # the room's end, its last event, comes after its messages
    # Catching up, which ends with the subscriber attached to the hub, and at the head.
    position, closed = await _page_to_head(subscriber, reads, hub, view, position)
    # Live: nothing is awaited from here to `go_live`, so no event can come in between.
    subscriber.send_control(Live(last=position))
    subscriber.position = position
    hub.go_live(subscriber, view.info.epoch)
    # The end of the room was read from the store, so the hub will not deliver it.
    if closed:
        hub.detach(subscriber)
        subscriber.cut(Close.ROOM_CLOSED)


async def _replay_newest(subscriber: Subscriber, reads: Reads, view: RoomView, count: int) -> None:
    """Send the newest ``count`` messages as of the welcome, and messages alone.

    So the joins and leaves of a restart don't push the conversation out of sight. Messages since the welcome come
    in addition, and take no other message's place.
    """
    position = await reads.before_newest_messages(view.key, count, upto=view.info.last)
    while True:
        page = await reads.page(
            view.key, after=position, before=view.info.last + 1, limit=PAGE_EVENTS, kinds=_MESSAGES
        )  # fmt: skip
        if not page.seqs:
            return
        view = await _checked(subscriber, reads, view, page)
        position = (await _send_page(subscriber, view, page)).seq


async def _page_to_head(
    subscriber: Subscriber, reads: Reads, hub: Hub, view: RoomView, position: int
) -> tuple[int, bool]:
    """Send pages until nothing is missing. From one page before the head on, the hub holds what happens.

    Gives the last number, and whether the room has ended, which can happen while pages are read.
    """
    head, held, closed = view.info.last, False, bool(view.closed_at)
    while True:
        # One page away from the head: from now on the hub holds what happens, and this is the last page.
        if not held and head - position <= PAGE_EVENTS:
            hub.attach(subscriber, position)
            held = True
            # Everything that is published from now on is held, so the pages need not go beyond this head.
            head = await reads.last(view.key)
        if held and position >= head:
            return position, closed
        page = await reads.page(view.key, after=position, limit=PAGE_EVENTS)
        view = await _checked(subscriber, reads, view, page)
        next_kept = page.seqs[0] if page.seqs else head + 1
        if next_kept > position + 1:  # events were forgotten since the welcome
            hub.gaps["retention"] += 1
            subscriber.send_control(Gap("retention", next_kept, head))
            position = next_kept - 1
        if page.seqs:
            event = await _send_page(subscriber, view, page)
            position, closed = event.seq, closed or isinstance(event, RoomClosed)
        # The room has gone on while this page was sent, which takes as long as the peer needs to read it.
        if not held:
            head = await reads.last(view.key)


async def _checked(subscriber: Subscriber, reads: Reads, view: RoomView, page: Slice) -> RoomView:
    """The view that a page goes with. If there was a ruling before the page was read, the subscriber may not see it.

    Raises ConnectionResetError then. The event loop may get to know of that ruling only later.
    """
    if page.rulings == view.rulings:
        return view
    now = await reads.enter(subscriber.room_id, subscriber.who, Action.SEE, subscriber.now())
    if isinstance(now, Rejection):
        subscriber.cut(Close.CREDENTIALS_EXPIRED if now.code == "unauthorized" else Close.REMOVED)
        raise ConnectionResetError(now.code)
    return now


async def _send_page(subscriber: Subscriber, view: RoomView, page: Slice) -> Happening:
    """Send a page, and give its last event."""
    events: list[StoredEvent] = []
    for seq, body in zip(page.seqs, page.bodies, strict=True):
        event = decode_frame(body)
        assert isinstance(event, Event)
        events.append((seq, body, event))
    blob = subscriber.dialect.events(events, view.info.epoch)
    subscriber.send(blob)
    await subscriber.drained()
    return events[-1][2]
