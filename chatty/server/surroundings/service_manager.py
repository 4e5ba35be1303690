"""The service manager that started this server, if there is one that wants to know how it goes: systemd, or its like.

Its protocol is sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Final

from chatty.server.surroundings.best_effort import attempt

LOOK_SECONDS: Final = 0.5
"""Between two looks whether the server is ready."""


class ServiceManager:
    """It is told when the server is ready and when it stops, and again and again that it works."""

    def __init__(self, address: str, watchdog: float = 0.0) -> None:
        """``address`` is a path, or an abstract one that begins with @.

        ``watchdog`` is after how many seconds without a word the server is taken for dead; 0: never.
        """
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog = watchdog

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> ServiceManager | None:
        """The one that ``environ`` tells of, which our own children should not hear of."""
        address, pid = environ.pop("NOTIFY_SOCKET", ""), environ.pop("WATCHDOG_PID", "")
        microseconds = environ.pop("WATCHDOG_USEC", "")
        if not address.startswith(("/", "@")):
            return None
        is_watched = microseconds.isdecimal() and pid in ("", str(os.getpid()))
        return cls(address, int(microseconds) / 1_000_000 if is_watched else 0.0)

    async def attend(self, trouble: Callable[[], Awaitable[str]], works: Callable[[], bool]) -> None:
        """Say when the server is ready, and from then on that it works. Runs until it is cancelled.

        ``trouble`` is why it isn't ready. While ``works`` says no, nothing is
        said, nor while the event loop hangs: then the manager ends the server.
        """
        while why := await trouble():
            self.tell(f"STATUS={why}")
            await asyncio.sleep(LOOK_SECONDS)
        self.tell("READY=1", "STATUS=ready")
        while self._watchdog:
            if works():
                self.tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog / 2)
        await asyncio.Event().wait()

    def stopping(self) -> None:
        """Say that the server stops."""
        self.tell("STOPPING=1", "STATUS=stopping")

    def tell(self, *lines: str) -> None:
        """Send these. The server goes on if the manager does not listen."""
        attempt("the service manager", lambda: self._send("\n".join(lines).encode()))

    def _send(self, message: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(message, self._address)
