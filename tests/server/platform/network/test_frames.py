"""A frame is what RFC 6455 says, at every length at which its header changes."""

from __future__ import annotations

import pytest

from chatty.protocol import CLOSE_REASONS, Close
from chatty.server.platform.network.frames import close_frame, text_frame


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_text_frame_has_its_length_in_the_shortest_form(size: int, header: bytes) -> None:
    assert text_frame(b"x" * size) == header + b"x" * size


@pytest.mark.parametrize("code", CLOSE_REASONS)
def test_a_close_frame_has_its_code_and_its_reason_and_is_a_control_frame(code: int) -> None:
    frame = close_frame(Close(code))
    assert frame[0] == 0x88
    assert frame[1] == len(frame) - 2 <= 125
    assert frame[2:] == code.to_bytes(2) + CLOSE_REASONS[code].encode()
