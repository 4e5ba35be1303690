"""As much of the WebSocket protocol as a load client needs: asking for an upgrade, masking, splitting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def upgrade(port: int, target: str, *headers: str) -> bytes:
    """The request that opens a WebSocket at ``target``; ``headers`` are further lines."""
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode()


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A client's whole frame, of less than 64 KiB. The mask is zero, which leaves the payload as it is."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size, 0, 0, 0, 0)) + payload
    return bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2) + b"\0\0\0\0" + payload


def split(received: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the whole frames of a server out of ``received``, as opcodes and payloads; what is unfinished stays."""
    at = 0
    try:
        while len(received) - at >= 2:
            size, head = received[at + 1] & 127, 2
            if size > 125:
                wide = 2 if size == 126 else 8
                if len(received) - at < 2 + wide:
                    return
                size, head = int.from_bytes(received[at + 2 : at + 2 + wide]), 2 + wide
            end = at + head + size
            if len(received) < end:
                return
            opcode, payload = received[at] & 15, bytes(received[at + head : end])
            at = end
            yield opcode, payload
    finally:
        del received[:at]
