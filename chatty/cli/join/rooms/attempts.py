"""Entering several rooms, of which some may refuse."""

from __future__ import annotations

from chatty.cli.failures import Failure, explain_one_of
from chatty.cli.join.rooms.places import OpenedRoom, Places

__all__ = ["Attempts"]


class Attempts:
    """Entering ``count`` rooms. Of those that were open before and are to be so ``again``, some may be gone."""

    def __init__(self, places: Places, count: int, *, again: bool) -> None:
        self._places = places
        self._count = count
        self._again = again
        self._failure: Failure | None = None

    def refused(self, room: OpenedRoom, name: str, error: Exception) -> str:
        """``room``, called ``name``, can't be entered. Gives the message to tell; raises Failure if all must be."""
        failure = explain_one_of(self._count, name, error)
        if not self._again:
            raise failure from None
        self._failure = failure
        self._places.missed(room, failure.code)
        return failure.message

    def none_entered(self) -> None:
        """None is left. Raises the latest Failure, if there was one; then nothing is remembered to be open."""
        if self._failure:
            self._places.keep_open(())
            raise self._failure
