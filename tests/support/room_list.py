"""Somebody who knows no room and remembers none, for servers that tests run without a command line."""

from __future__ import annotations

from chatty.server.announcement import NamedRoom


class NoRooms:
    """A `chatty.server.announcement.RoomList` that is empty and stays so."""

    def owner_token(self, room_id: str) -> str | None:
        return None

    def remember(self, room: NamedRoom) -> str:
        return ""

    def rooms_at(self, server: str) -> list[str]:
        return []

    def note_gone(self, room_id: str, server: str) -> None:
        raise AssertionError("it knew none")
