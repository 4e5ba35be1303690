"""The rooms that ``chatty serve --room`` created, so that somebody else's room of the same name isn't taken for one.

They are known by a file beside the database, with the tokens that close them. New data begins with such a file. Data
without one comes from an earlier version, or from a backup: there a room can only be told by its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chatty.server.platform.store.disk import sync
from chatty.server.platform.store.errors import StoreError

__all__ = ["ServedRooms"]

_FILE: Final = "served-rooms.json"


class _Content(Struct, frozen=True):
    owner_tokens: dict[str, str]


class ServedRooms:
    """The rooms that the data in directory ``data`` has for its own server. Raises StoreError if that is damaged.

    ``unknown``: the data doesn't say which they are.
    """

    def __init__(self, data: Path) -> None:
        self._path = data / _FILE
        self.unknown = False
        try:
            self._owner_tokens = msgspec.json.decode(self._path.read_bytes(), type=_Content).owner_tokens
        except FileNotFoundError:
            self._owner_tokens = {}
            self.unknown = True
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            hint = "move it away; --room then takes the only open room of its name, or creates one"
            raise StoreError(f"{self._path} is damaged ({error})", hint) from error

    def __contains__(self, room_id: str) -> bool:
        return room_id in self._owner_tokens

    def owner_token(self, room_id: str) -> str | None:
        """The token of a room's owner, if it is one of these rooms and its token is known."""
        return self._owner_tokens.get(room_id) or None

    def begin(self) -> None:
        """New data has no such rooms yet. Raises OSError."""
        if self.unknown:
            self._write()
            self.unknown = False

    def add(self, room_id: str, owner_token: str | None) -> None:
        """Remember a room, which need not be there yet. Raises OSError."""
        if self._owner_tokens.get(room_id) == (owner_token or ""):
            return
        self._owner_tokens[room_id] = owner_token or ""
        self._write()

    def _write(self) -> None:
        new = self._path.with_name(f".{_FILE}.new")
        with new.open("wb") as file:  # readable by its owner alone, as all that a server creates
            file.write(msgspec.json.encode(_Content(self._owner_tokens)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        sync(self._path.parent)  # before the room is, or a power cut could leave the room alone
