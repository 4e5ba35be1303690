"""The nodes of one server: which of them is asked until it fails, and the sessions by which they are."""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp

from chatty.client.identity import Credential
from chatty.client.network.address import base_urls
from chatty.client.session import open_session
from chatty.errors import Unreachable

__all__ = ["ELSEWHERE", "NODE_SECONDS", "Nodes", "Sessions", "never_sent", "of_all"]

NODE_SECONDS: Final = 2.0
"""How long a node may take to answer while there are others to ask."""

HEARTBEAT_SECONDS: Final = 8.0
"""The heartbeat where there are others: a member of a node that froze comes back before it is taken for gone."""

ELSEWHERE: Final = frozenset({"unavailable", "busy"})
"""Refusals of one node that another one may not share. It has certainly not done what it was asked."""


class Sessions:
    """A session to each address that was asked, for any number of rooms. The arguments are those of `open_session`."""

    def __init__(self, key: Credential | None, tls: ssl.SSLContext | None = None, *, socket: str | None = None) -> None:
        self._key = key
        self._tls = tls
        self._socket = socket
        self._opened: dict[str, aiohttp.ClientSession] = {}
        self._closed = False

    def to(self, address: str) -> aiohttp.ClientSession:
        """The session to a node. Raises Unreachable where its proxy can't be used."""
        if self._closed:
            raise RuntimeError("the Http that this belongs to is closed; leave its rooms first")
        if address not in self._opened:
            self._opened[address] = open_session(address, self._key, self._tls, socket=self._socket)
        return self._opened[address]

    async def close(self) -> None:
        """Frees all connections."""
        self._closed = True
        for session in self._opened.values():
            await session.close()


class Nodes:
    """The addresses in ``server``, which has commas between them, and the choice of one of them.

    One of them is the ``present`` one: the first, and whenever it fails the
    next. Most servers have one node, which then stays the present one. A round
    is over when all of them have failed, one after another: time for a pause.
    Raises ValueError if one of the addresses is none.
    """

    def __init__(self, server: str) -> None:
        self._addresses = base_urls(server)
        self._at = 0
        self._failed = 0  # how many have failed in this round
        self._rounds = 0  # how many rounds are over since one worked for a while

    def __len__(self) -> int:
        return len(self._addresses)

    def __str__(self) -> str:
        """The addresses with commas between them, beginning with the present one."""
        return ",".join(self._addresses[self._at :] + self._addresses[: self._at])

    @property
    def present(self) -> str:
        """The address of the node to ask."""
        return self._addresses[self._at]

    def leave(self, address: str) -> None:
        """This node has failed, so the next one becomes the present one, unless that has happened by now."""
        if address == self.present:
            self._at = (self._at + 1) % len(self._addresses)

    def begin_round(self) -> None:
        """The present one has worked for a while, so its failure is the first one."""
        self._failed = self._rounds = 0

    def next_one(self) -> bool:
        """The present one has failed. Whether the next one has yet to be tried in this round."""
        self.leave(self.present)
        self._failed = (self._failed + 1) % len(self)
        if not self._failed:
            self._rounds += 1
        return self._failed > 0

    @property
    def all_failed_but_one(self) -> bool:
        """Whether only the present one is left in this round."""
        return self._failed + 1 == len(self)

    def limit(self, longest: float) -> float:
        """How many seconds to give to the present one: few where there are others, and twice as many in each round."""
        return longest if len(self) == 1 else min(longest, NODE_SECONDS * 2.0 ** min(self._rounds, 8))

    def heartbeat(self, usual: float) -> float:
        """The seconds of silence after which to find out whether the present one is still there."""
        return usual if len(self) == 1 else min(usual, HEARTBEAT_SECONDS)


def of_all(nodes: Nodes, last: Unreachable) -> Unreachable:
    """What to raise after the ``last`` of all nodes has failed, too."""
    if len(nodes) == 1:
        return last
    return Unreachable(str(nodes), last.reason, because=last.because, lasting=last.lasting)


def never_sent(error: Unreachable) -> bool:
    """Whether a request certainly didn't reach the server: there was no connection to send it by."""
    return isinstance(error.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
