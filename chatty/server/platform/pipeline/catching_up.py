"""Catching up: from where a client left off, page by page at its own pace, into the live flow."""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

from chatty.events import Event, Happening, RoomClosed
from chatty.protocol import PAGE_EVENTS, Close, Control, Gap, Live, RoomInfo, decode_frame
from chatty.server.platform.pipeline.hub import Hub, Subscriber
from chatty.server.platform.store.applying import Stored
from chatty.server.platform.store.reads import Reads, RoomView, Slice
from chatty.server.platform.store.schema import KINDS

_MESSAGES: Final = (KINDS["message"],)


class Follower(Protocol):
    """A subscriber that can be told control frames, and waited for."""

    @property
    def subscriber(self) -> Subscriber:
        """Itself, as the hub knows it."""

    def send_control(self, control: Control) -> None:
        """Write a control frame."""

    async def drained(self) -> None:
        """Wait until the peer has taken what was written. Raises ConnectionError when it is gone."""


def resume(info: RoomInfo, since: int, epoch: str) -> tuple[int, Gap | None]:
    """Where to go on for somebody who has seen ``since`` of ``epoch``, and the gap if that can't be exact."""
    if epoch and epoch != info.epoch:
        return info.first - 1, Gap("epoch", info.first, info.last)
    if since > info.last:
        return info.last, Gap("ahead", info.first, info.last)
    if since < info.first - 1:
        return info.first - 1, Gap("retention", info.first, info.last)
    return since, None


class Asked(Struct, frozen=True):
    """Where a client wants to begin: now, after what it has ``since`` seen, or with the ``last`` so many messages."""

    since: int | None = None
    epoch: str = ""
    last: int = 0


def is_over(view: RoomView, asked: Asked) -> bool:
    """Whether nothing is left for somebody who asks that, and nothing will ever be: the room is closed."""
    if not view.closed_at or asked.last:
        return False
    return asked.since is None or (asked.epoch in ("", view.info.epoch) and asked.since >= view.info.last)


async def follow(follower: Follower, reads: Reads, hub: Hub, view: RoomView, asked: Asked) -> None:
    """Bring a follower to the head and into the live flow. It was welcomed with ``view``."""
    position = view.info.last
    if asked.since is not None:
        position, gap = resume(view.info, asked.since, asked.epoch)
        if gap is not None:
            follower.send_control(gap)
    elif asked.last:
        await _replay_newest(follower, reads, view, asked.last)
        position -= bool(view.closed_at)  # its end is the last that happened, and what comes back begins behind it
    position, closed = await _page_to_head(follower, reads, hub, view, position)
    follower.send_control(Live(last=position))
    follower.subscriber.position = position
    hub.go_live(follower.subscriber, view.info.epoch)
    if closed:
        hub.detach(follower.subscriber)
        follower.subscriber.cut(Close.ROOM_CLOSED)


async def _replay_newest(follower: Follower, reads: Reads, view: RoomView, count: int) -> None:
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
        position = (await _send_page(follower, view, page)).seq


async def _page_to_head(follower: Follower, reads: Reads, hub: Hub, view: RoomView, position: int) -> tuple[int, bool]:
    """Pages until nothing is missing; from one page before the head on, what happens is held.

    Gives the last number, and whether the room has ended: also while pages were read.
    """
    subscriber, head, held, closed = follower.subscriber, view.info.last, False, bool(view.closed_at)
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
            follower.send_control(Gap("retention", next_kept, head))
            position = next_kept - 1
        if page.seqs:
            event = await _send_page(follower, view, page)
            position, closed = event.seq, closed or isinstance(event, RoomClosed)
        if not held:
            head = await reads.last(view.key)


async def _send_page(follower: Follower, view: RoomView, page: Slice) -> Happening:
    """Write a page; gives its last event."""
    events: list[Stored] = []
    for seq, body in zip(page.seqs, page.bodies, strict=True):
        event = decode_frame(body)
        assert isinstance(event, Event)
        events.append((seq, body, event))
    blob = follower.subscriber.dialect(events, view.info.epoch)
    follower.subscriber.send(blob)
    await follower.drained()
    return events[-1][2]
