"""The rooms that ``chatty serve --room`` created, so that somebody else's room of the same name isn't taken for one.

They are known by a file beside the database, with the tokens that close them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chatty.server.platform.store.errors import StoreError

__all__ = ["ServedRooms"]

_FILE: Final = "served-rooms.json"


class _Content(Struct, frozen=True):
    owner_tokens: dict[str, str]


class ServedRooms:
    """The rooms that the data in directory ``data`` has for its own server. Raises StoreError if that is damaged."""

    def __init__(self, data: Path) -> None:
        self._path = data / _FILE
        try:
            self._owner_tokens = msgspec.json.decode(self._path.read_bytes(), type=_Content).owner_tokens
        except FileNotFoundError:
            self._owner_tokens = {}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            hint = "move it away; --room then creates rooms anew, unless you know them: chatty rooms"
            raise StoreError(f"{self._path} is damaged ({error})", hint) from error

    def owner_token(self, room_id: str) -> str | None:
        """The token of a room's owner; None if it isn't one of these rooms."""
        return self._owner_tokens.get(room_id)

    def add(self, room_id: str, owner_token: str) -> None:
        """Remember a room. Raises OSError."""
        if self._owner_tokens.get(room_id) == owner_token:
            return
        self._owner_tokens[room_id] = owner_token
        new = self._path.with_name(f".{_FILE}.new")
        with new.open("wb") as file:  # readable by its owner alone, as all that a server creates
            file.write(msgspec.json.encode(_Content(self._owner_tokens)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
