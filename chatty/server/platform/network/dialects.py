"""The dialects that this server speaks: how events and control frames look on each kind of connection.

    SEED              the original service's WebSocket frames
    V1                chatty's own WebSocket frames
    SSE, SSE_CHUNKED  the same as Server-Sent Events, for HTTP/1.0 and 1.1

The store keeps an event as V1 sends it, so only the original's dialect has to
encode anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chatty.protocol import Control, Tick, Typing, encode
from chatty.seed_dialect import seed_frames
from chatty.server.platform.network.frames import text_frame
from chatty.server.platform.store.applied import StoredEvent


class SeedDialect:
    """The original's frames. It knows neither ticks nor typing, and of control frames only errors."""

    name = "seed"

    def events(self, events: Sequence[StoredEvent], epoch: str) -> bytes:
        return b"".join([text_frame(frame) for _, _, event in events for frame in seed_frames(event)])

    def control(self, control: Control) -> bytes:
        return text_frame(encode(control))

    def tick(self, last: int) -> bytes:
        return b""

    def typing(self, name: str) -> bytes:
        return b""


class V1Dialect:
    """Chatty's own frames: events as they are stored."""

    name = "v1"

    def events(self, events: Sequence[StoredEvent], epoch: str) -> bytes:
        return b"".join([text_frame(body) for _, body, _ in events])

    def control(self, control: Control) -> bytes:
        return text_frame(encode(control))

    def tick(self, last: int) -> bytes:
        return self.control(Tick(last=last))

    def typing(self, name: str) -> bytes:
        return self.control(Typing(name))


class EventStreamDialect:
    """Server-Sent Events. An event has an id from which ``Last-Event-ID`` resumes; a control frame has none."""

    name = "sse"

    def __init__(self, *, chunked: bool) -> None:
        """``chunked``: over HTTP/1.1. Older versions have no chunks: there the stream ends with the connection."""
        self._chunked = chunked

    def events(self, events: Sequence[StoredEvent], epoch: str) -> bytes:
        mark = epoch.encode()
        return self._part(b"".join([b"id: %b.%d\ndata: %b\n\n" % (mark, seq, body) for seq, body, _ in events]))

    def control(self, control: Control) -> bytes:
        return self._part(b"data: %b\n\n" % encode(control))

    def comment(self) -> bytes:
        """A line that clients ignore, which keeps proxies from closing a quiet stream."""
        return self._part(b":\n\n")

    def tick(self, last: int) -> bytes:
        return b""

    def typing(self, name: str) -> bytes:
        return b""

    def _part(self, data: bytes) -> bytes:
        """HTTP/1.1 chunked coding (RFC 9112, 7.1): blobs go to the transport as they are."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data


SEED: Final = SeedDialect()
V1: Final = V1Dialect()
SSE: Final = EventStreamDialect(chunked=False)
SSE_CHUNKED: Final = EventStreamDialect(chunked=True)
