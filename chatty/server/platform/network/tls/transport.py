"""The encryption of one connection, between the transport of its socket and its `Connection`."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable
from typing import Any, Final, cast

from chatty.server.platform.network.connections import Connection
from chatty.server.platform.network.responses import EVERY_RESPONSE, problem

READ_BYTES: Final = 64 * 1024
"""The most that is decrypted at once."""
MOST_UNASKED: Final = 1024 * 1024
"""A peer can ask TLS itself for answers, such as new keys. With so many bytes waiting, it asks and doesn't read."""

Data = bytes | bytearray | memoryview


def _plain_refusal() -> bytes:
    """The response to a client that asks without TLS, because a connection that just ends says nothing."""
    response = problem("bad_request", "This server speaks TLS; write https:// instead of http://.")
    response.headers.update({**EVERY_RESPONSE, "Content-Length": str(response.content_length), "Connection": "close"})
    head = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
    assert isinstance(response.body, bytes)
    return f"HTTP/1.1 {response.status} {response.reason}\r\n{head}\r\n".encode() + response.body


_PLAIN_REFUSAL: Final = _plain_refusal()


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """The transport of a `Connection`, and the protocol of the socket's own transport.

    asyncio has such a layer, too. But a `Connection` has to know more than that
    one shows. It learns of a newcomer when it is accepted, because otherwise one
    that never ends its handshake would count for nobody. It sees all bytes that
    wait for the peer: asyncio's layer hides those that the socket's transport
    already has, so a peer that stopped reading would go unnoticed. And it can
    end its own direction alone, so that the peer can still read a refusal.
    """

    __slots__ = ("_connection", "_context", "_incoming", "_outgoing", "_ready", "_socket", "_tls", "overhead")

    def __init__(self, context: ssl.SSLContext, connection: Connection) -> None:
        super().__init__()
        self._context = context
        self._connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._ready = False
        self._socket: asyncio.Transport
        self.overhead = 0
        """Bytes that went to the socket in addition to those that `write` was given."""

    # --- the socket's protocol ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.Transport, transport)
        self._connection.accepted(self._socket)

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        try:
            if not self._ready:
                self._tls.do_handshake()
                self._ready = True
                self._connection.connection_made(self)
            goes_on = self._receive()
        except ssl.SSLWantReadError:
            goes_on = True
        except ssl.SSLError as error:  # it doesn't speak TLS, or not a version of it that is spoken here
            if error.reason == "HTTP_REQUEST":
                self._socket.write(_PLAIN_REFUSAL)
            else:
                self._flush()  # the alert that says why
            self._socket.close()
            return
        if self._flush() and self._socket.get_write_buffer_size() > MOST_UNASKED:
            self._socket.abort()
        elif not goes_on:
            self.close()

    def _receive(self) -> bool:
        """Pass on what can be decrypted; whether more may follow. Raises SSLError if it was tampered with."""
        parts = []
        try:
            while part := self._tls.read(READ_BYTES):
                parts.append(part)
            return False
        except ssl.SSLWantReadError:
            return True
        finally:
            if parts:
                self._connection.data_received(b"".join(parts))

    def _flush(self) -> bool:
        """Write what TLS itself has to say, and give whether there was anything."""
        if not self._outgoing.pending or self._socket.is_closing():
            return False
        self.overhead += self._outgoing.pending
        self._socket.write(self._outgoing.read())
        return True

    def eof_received(self) -> None:
        self._connection.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    # --- the connection's transport -------------------------------------------------------------------------

    def write(self, data: Data) -> None:
        try:
            sent = self._tls.write(data) if data else 0
            while sent < len(data):  # at most one record is taken at once
                sent += self._tls.write(memoryview(data)[sent:])
        except ssl.SSLError:  # it is closing, or it broke
            if not self._socket.is_closing():
                self._socket.abort()
            return
        encrypted = self._outgoing.read()
        self.overhead += len(encrypted) - len(data)
        self._socket.write(encrypted)

    def writelines(self, list_of_data: Iterable[Data]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._say_goodbye()
        self._socket.write_eof()

    def close(self) -> None:
        if not self._socket.is_closing():
            self._say_goodbye()
            self._socket.close()

    def _say_goodbye(self) -> None:
        """Tell the peer that this was all, so that it needn't fear that something was cut off. No answer is awaited."""
        with contextlib.suppress(ssl.SSLError, ValueError):
            self._tls.unwrap()
        self._flush()

    def abort(self) -> None:
        self._socket.abort()

    def is_closing(self) -> bool:
        return self._socket.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._socket.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        self._socket.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._context if name == "sslcontext" else self._socket.get_extra_info(name, default)
