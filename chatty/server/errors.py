"""The server's own failures, which end its start or its life. What a client may be told is in chatty/errors.py."""

from __future__ import annotations

from chatty.errors import ChattyError

__all__ = ["Fault"]


class Fault(ChattyError):
    """Why a server cannot start, or cannot go on. ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message, hint)

    def __str__(self) -> str:
        return str(self.args[0])
