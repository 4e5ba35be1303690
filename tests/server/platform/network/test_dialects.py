"""Each dialect says the same in its own frames. How v1 and the original's look in full is in tests/server."""

from __future__ import annotations

import pytest

from chatty.events import Message, TopicChanged
from chatty.protocol import Live, encode
from chatty.server.platform.network.dialects import SEED, SSE, SSE_CHUNKED, V1
from chatty.server.platform.pipeline.subscriber import Dialect

AT = "2026-11-23T12:00:00.123Z"
HELLO, TOPIC = Message(7, AT, "Ada", "hello"), TopicChanged(8, AT, "Ada", "bees")
EVENTS = [(event.seq, encode(event), event) for event in (HELLO, TOPIC)]


def test_events_are_encoded_in_order_and_an_event_that_the_original_did_not_know_is_left_out() -> None:
    hello, topic = encode(HELLO), encode(TOPIC)
    frames = b"\x81%c" % len(hello) + hello + b"\x81%c" % len(topic) + topic
    assert V1.events(EVENTS, "epoch") == frames
    assert SEED.events(EVENTS, "epoch") == b'\x81\x24{"text":"hello","participant":"Ada"}'
    assert SSE.events(EVENTS, "epoch") == b"id: epoch.7\ndata: %b\n\nid: epoch.8\ndata: %b\n\n" % (hello, topic)


def test_the_chunks_of_an_event_stream_have_their_right_lengths() -> None:
    for plain, chunk in [
        (SSE.events(EVENTS, "epoch"), SSE_CHUNKED.events(EVENTS, "epoch")),
        (SSE.control(Live(last=1)), SSE_CHUNKED.control(Live(last=1))),
        (SSE.comment(), SSE_CHUNKED.comment()),
    ]:
        size, _, rest = chunk.partition(b"\r\n")
        assert (int(size, 16), rest) == (len(plain), plain + b"\r\n")


@pytest.mark.parametrize("dialect", [SEED, SSE, SSE_CHUNKED])
def test_a_dialect_without_ticks_and_typing_gives_no_bytes_for_them(dialect: Dialect) -> None:
    assert dialect.tick(7) == dialect.typing("Ada") == b""
