"""A reverse proxy that offers a server under a path of its own, which it takes off and tells to nobody, for tests."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from types import TracebackType
from typing import Self

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class PrefixProxy(socketserver.ThreadingTCPServer):
    """Offers ``127.0.0.1:port`` at ``url``, which ends with ``prefix``. Other paths are not found."""

    daemon_threads = True

    def __init__(self, port: int, prefix: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = ("127.0.0.1", port)
        self.prefix = prefix.encode()
        self.url = f"http://127.0.0.1:{self.server_address[1]}{prefix}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.shutdown()
        self.server_close()


class _Handler(socketserver.StreamRequestHandler):
    server: PrefixProxy

    def handle(self) -> None:
        """One request, or one WebSocket."""
        method, target, version = self.rfile.readline().split(b" ", 2)
        if not target.startswith(self.server.prefix + b"/"):
            self.wfile.write(NOT_FOUND)
            return
        head = [b" ".join((method, target.removeprefix(self.server.prefix), version))]
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            head.append(line)
        if not any(line.lower().startswith(b"upgrade:") for line in head):
            head = [line for line in head if not line.lower().startswith(b"connection:")] + [b"Connection: close\r\n"]
        with socket.create_connection(self.server.target) as there:
            there.sendall(b"".join([*head, b"\r\n"]))
            threading.Thread(target=self._send_on, args=(there,), daemon=True).start()
            with contextlib.suppress(OSError):
                while data := there.recv(65_536):
                    self.wfile.write(data)

    def _send_on(self, there: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := self.rfile.read1(65_536):
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)
