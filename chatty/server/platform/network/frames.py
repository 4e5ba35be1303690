"""WebSocket frames as a server writes them: whole, unmasked, made without a connection (RFC 6455)."""

from __future__ import annotations

from typing import Final

from chatty.protocol import CLOSE_REASONS, Close

_HEADERS: Final = tuple(b"\x81" + size.to_bytes(1) for size in range(126))


def text_frame(payload: bytes) -> bytes:
    """A whole, unmasked WebSocket text frame, as a server sends it (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return _HEADERS[size] + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def close_frame(code: Close) -> bytes:
    """A server's close frame with its reason (RFC 6455, 5.5.1)."""
    payload = code.to_bytes(2) + CLOSE_REASONS[code].encode()
    return bytes([0x88, len(payload)]) + payload
