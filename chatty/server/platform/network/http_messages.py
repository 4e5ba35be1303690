"""Changes of messages and topics: from a client's command to an entry, and the handlers for those that come by HTTP."""

from __future__ import annotations

from typing import Any, NamedTuple

from aiohttp import web

from chatty import protocol
from chatty.errors import Refused
from chatty.events import Event
from chatty.names import compare_key
from chatty.protocol import MESSAGE_BYTES, NAME_POINTS, REACTION_POINTS, TOPIC_POINTS, NewMessage, NewTopic
from chatty.server.business import entries
from chatty.server.business.access import Action
from chatty.server.business.names import check_name, check_reaction, check_text
from chatty.server.business.rights import Principal
from chatty.server.platform.network.access.routes import Route, find_room, json_of, speaking
from chatty.server.platform.network.responses import answer, refused
from chatty.server.platform.network.rooms import RoomHandlers
from chatty.server.platform.pipeline.node import Node
from chatty.skeletons import skeleton

ChangeCommand = protocol.Edit | protocol.Delete | protocol.React | protocol.SetTopic | protocol.Rename


class Author(NamedTuple):
    """The author of a change. ``n`` is the change's number within ``producer``, or 0 without one."""

    who: Principal
    producer: str = ""
    n: int = 0
    connection: str = ""


def change(command: ChangeCommand, room_id: str, at: int, author: Author) -> entries.Change | entries.Rejection:
    """The entry for a client's command, or why there can be none."""
    whose: dict[str, Any] = {"room": room_id, "at": at, **author._asdict()}
    match command:
        case protocol.Edit(of=of, text=text):
            return check_text(text, size=MESSAGE_BYTES) or entries.Edit(**whose, of=of, text=text)
        case protocol.Delete(of=of):
            return entries.Delete(**whose, of=of)
        case protocol.React(of=of, reaction=reaction, remove=remove):
            unfit = check_reaction(reaction, points=REACTION_POINTS)
            return unfit or entries.React(**whose, of=of, reaction=reaction, remove=remove)
        case protocol.SetTopic(topic=topic):
            if len(topic) > TOPIC_POINTS:
                return entries.Rejection("bad_request", f"A topic has at most {TOPIC_POINTS} characters.")
            return entries.SetTopic(**whose, topic=topic)
        case protocol.Rename(name=given):
            name = check_name(given, points=NAME_POINTS)
            if isinstance(name, entries.Rejection):
                return name
            return entries.Rename(**whose, new_name=name, new_key=compare_key(name), new_skeleton=skeleton(name))


class ChangeHandlers:
    """The handlers for changes."""

    def __init__(self, node: Node, rooms: RoomHandlers) -> None:
        self.node = node
        self._rooms = rooms

    def routes(self) -> list[Route]:
        """The addresses of messages and topics."""
        message = "/v1/rooms/{room}/messages/{seq}"
        reaction = message + "/reactions/{reaction}"
        return [
            Route("PATCH", message, Action.CONVERSE, self.edit),
            Route("DELETE", message, Action.DELETE, self.delete),
            Route("PUT", reaction, Action.CONVERSE, self.react),
            Route("DELETE", reaction, Action.CONVERSE, self.react),
            Route("PUT", "/v1/rooms/{room}/topic", Action.TOPIC, self.set_topic),
        ]

    async def edit(self, request: web.Request) -> web.StreamResponse:
        new = await json_of(request, NewMessage)
        return await self._change(request, protocol.Edit(of=_seq(request), text=new.text), new.participant)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        return await self._change(request, protocol.Delete(of=_seq(request)), request.query.get("name"))

    async def react(self, request: web.Request) -> web.StreamResponse:
        command = protocol.React(
            of=_seq(request), reaction=request.match_info["reaction"], remove=request.method == "DELETE"
        )
        return await self._change(request, command, request.query.get("name"))

    async def set_topic(self, request: web.Request) -> web.StreamResponse:
        new = await json_of(request, NewTopic)
        return await self._change(request, protocol.SetTopic(topic=new.topic), new.participant)

    async def _change(self, request: web.Request, command: ChangeCommand, given: str | None) -> web.StreamResponse:
        view = await find_room(self.node, request)
        self._rooms.may_post(request)
        who = speaking(view.standing.who, given or None)
        if not who.resumable:
            raise Refused("unauthorized", "Send the key that you post with as Authorization: Bearer.")
        made = change(command, view.info.id, self.node.now(), Author(who))
        outcome = made if isinstance(made, entries.Rejection) else await self.node.log.commit(made)
        if isinstance(outcome, entries.Rejection):
            raise refused(outcome)
        event = outcome[0] if isinstance(outcome, tuple) and outcome else None
        return answer(event) if isinstance(event, Event) and self._rooms.may_see(view) else web.Response(status=204)


def _seq(request: web.Request) -> int:
    text = request.match_info["seq"]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
