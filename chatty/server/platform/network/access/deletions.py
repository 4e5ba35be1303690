"""The handler that deletes messages of others: those with some numbers, or all that somebody wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from chatty.access import Deleted, NewDeletion
from chatty.errors import Refused
from chatty.events import milliseconds
from chatty.server.business.access import Action
from chatty.server.business.entries import DeleteMessages, Rejection
from chatty.server.business.facts import Erased
from chatty.server.business.moderation.deleting import MOST_DELETED
from chatty.server.platform.network.access.routes import Route, find_room, json_of
from chatty.server.platform.network.access.targets import target_of
from chatty.server.platform.network.responses import answer, refused
from chatty.server.platform.pipeline.node import Node
from chatty.server.platform.store.access.authored import Authors, Found
from chatty.server.platform.store.reads import RoomView

MOST_FOUND: Final = 2_000
"""Messages that one request deletes; if there are more, the answer says where to go on."""
MOST_READ: Final = 200_000
"""Events among which one request looks for them."""


class DeletionHandlers:
    """The handler. ``may_post`` raises Refused where too much comes at once."""

    def __init__(self, node: Node, may_post: Callable[[web.Request], None]) -> None:
        self.node = node
        self._may_post = may_post

    def routes(self) -> list[Route]:
        """The address of deletions."""
        return [Route("POST", "/v1/rooms/{room}/deletions", Action.MODERATE, self.delete)]

    async def delete(self, request: web.Request) -> web.StreamResponse:
        view, new = await find_room(self.node, request), await json_of(request, NewDeletion)
        self._may_post(request)
        if new.messages:
            numbers = sorted(set(new.messages), reverse=True)
            return answer(await self._delete(view, numbers, new, announce=False))
        found = await self._find(view, new)
        deleted = await self._delete(view, found.numbers, new, announce=not new.before)
        return answer(Deleted(deleted.deleted, deleted.kept, found.before))

    async def _find(self, view: RoomView, new: NewDeletion) -> Found:
        """The newest messages of those that the request means, but none of one's own."""
        authors = await self._authors(view, new)
        after = view.info.first - 1
        if new.since is not None:
            after = await self.node.reads.first_since(view.key, view.info.first, _moment(new.since)) - 1
        before = min(new.before or view.info.last + 1, view.info.last + 1)
        mine = view.standing.who.identity
        return await self.node.reads.access.messages_by(
            view.key, authors, mine, after=after, before=before, most=MOST_FOUND, most_read=MOST_READ
        )

    async def _authors(self, view: RoomView, new: NewDeletion) -> Authors:
        if sum(map(bool, (new.restriction, new.of, new.name))) != 1:
            raise Refused("bad_request", "Say which: some messages, or those of a name, of a restriction, or by 'of'.")
        if new.name:
            return Authors(names=frozenset({new.name}))
        if new.restriction:
            authors = await self.node.fresh(
                lambda: self.node.reads.access.implicated(view.key, new.restriction), lambda found: found is not None
            )
            if authors is None:
                raise Refused("target_not_found", "There is no ban or mute with this id.")
            return authors
        _, one = await target_of(self.node, view.key, "", "", new.of)
        assert one is not None
        return Authors.of([one])

    async def _delete(self, view: RoomView, numbers: Sequence[int], new: NewDeletion, *, announce: bool) -> Deleted:
        """Delete them a part at a time, so that others have their turns in between."""
        deleted, refusal = 0, Rejection("message_not_found")
        for begin in range(0, len(numbers), MOST_DELETED):
            part = tuple(numbers[begin : begin + MOST_DELETED])
            is_first = announce and not deleted
            outcome = await self.node.log.commit(
                DeleteMessages(view.info.id, self.node.now(), view.standing.who, part, new.reason, is_first)
            )
            if isinstance(outcome, tuple):
                deleted += sum(type(fact) is Erased for fact in outcome)
            elif isinstance(outcome, Rejection):
                refusal = outcome
                if outcome.code not in ("message_not_found", "not_allowed"):
                    break
        if numbers and not deleted:
            raise refused(refusal)
        return Deleted(deleted, len(numbers) - deleted)


def _moment(text: str) -> int:
    try:
        return max(0, milliseconds(text))
    except (ValueError, OverflowError):
        raise Refused("bad_request", "since must be a time such as 2026-11-23T12:00:00Z.") from None
