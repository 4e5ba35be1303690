"""Entries about the servers themselves, which are the nodes of a log, and the level of what such a log holds.

Nodes of several versions share a log, and each has to know all that is in it.
So the log has a level, which only rises. An entry that an earlier version
doesn't know has a higher level than those before it: no node proposes it until
the log has that level, and the log only gets there when all nodes know it. The
same holds for every change of what an entry leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chatty.server.business.entries import Entry

LEVEL: Final = 1
"""The highest level that this version knows."""


class StartNode(Entry, frozen=True, gc=False):
    """``node`` starts as ``incarnation``: the connections of its earlier incarnations are over."""

    node: str
    incarnation: str


class EndNode(Entry, frozen=True, gc=False):
    """The incarnation ``incarnation`` of ``node`` is over: it stopped, or the others hear nothing of it."""

    node: str
    incarnation: str


class RaiseLevel(Entry, frozen=True, gc=False):
    """From here on the log may hold everything of ``level``: all nodes know it."""

    level: int


class Fingerprint(Entry, frozen=True, gc=False):
    """Each node hashes its tables as they are at this point of the log, for the comparison ``id``."""

    id: str


LEVEL_OF: Final[Mapping[type[Entry], int]] = {}
"""The level of each kind of entry that is newer than the first."""


def level_of(entry: Entry) -> int:
    """The level that a log needs to hold ``entry``."""
    return LEVEL_OF.get(type(entry), 1)
