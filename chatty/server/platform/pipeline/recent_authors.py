"""Those who lately came from each address, so that a ban can name them. It is in memory alone, and soon forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Final

from chatty.server.business.rights import Principal, Trust
from chatty.server.business.whom import ANONYMOUS_IDENTITY

Author = tuple[bytes, str]
"""An identity, and a name where the identity is everybody's who has no key."""

KEPT_SECONDS: Final = 3600.0
NEWS_SECONDS: Final = 600.0
MOST: Final = 20_000


def author(identity: bytes, name: str) -> Author:
    """Somebody who wrote a message under ``name``."""
    return identity, name if identity == ANONYMOUS_IDENTITY else ""


class RecentAuthors:
    """Who came to which room from which address within the last hour, up to 20,000 of them: the newest."""

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` gives seconds."""
        self._now = now
        self._seen: OrderedDict[tuple[str, str, Author, bool], float] = OrderedDict()

    def note(self, room_id: str, who: Principal) -> bool:
        """``who`` may speak in the room from now on, or has just spoken. This machine's own are not remembered.

        Gives whether that is news, or has not been heard for a while.
        """
        if not who.address or who.trust is Trust.OPERATOR:
            return False
        key = (room_id, who.address, author(who.identity, who.name), who.trust >= Trust.VERIFIED)
        now = self._now()
        is_news = self._seen.get(key, -KEPT_SECONDS) < now - NEWS_SECONDS
        self._seen[key] = now
        self._seen.move_to_end(key)
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return is_news

    def from_addresses(self, room_id: str, addresses: Collection[str]) -> set[Author]:
        """Those who came to a room from one of these addresses; without a room, to any.

        Bearers of tokens are left out: the server knows who they are, and
        many people may share an address.
        """
        return {
            one
            for room, address, one, is_verified in self._fresh()
            if room_id in ("", room) and address in addresses and not is_verified
        }

    def addresses_of(self, room_id: str, wanted: Author) -> set[str]:
        """The addresses from which somebody came to a room; without a room, to any."""
        return {address for room, address, one, _ in self._fresh() if room_id in ("", room) and one == wanted}

    def _fresh(self) -> list[tuple[str, str, Author, bool]]:
        oldest = self._now() - KEPT_SECONDS
        while self._seen and next(iter(self._seen.values())) < oldest:
            self._seen.popitem(last=False)
        return list(self._seen)
