"""The server that one writes first: `python -m benchmarks.naive PORT`.

A dict of rooms, and ``await ws.send_str(text)`` for each member. It keeps
nothing, and checks little. It speaks the seed dialect on the same libraries as
chatty, so that a ratio to it, within one run, says what chatty's design is worth.
"""

from __future__ import annotations

import itertools
import json
import sys

import uvloop
from aiohttp import web

Room = dict[str, web.WebSocketResponse]


async def tell(room: Room, event: dict[str, str]) -> None:
    """Say ``event`` to every member."""
    text = json.dumps(event, separators=(",", ":"))
    for ws in list(room.values()):
        try:
            await ws.send_str(text)
        except ConnectionError:
            continue


def application() -> web.Application:
    """``POST /chat`` and ``GET /chat/join``."""
    rooms: dict[str, Room] = {}
    numbers = itertools.count(1)

    async def create(request: web.Request) -> web.StreamResponse:
        room_id = f"room{next(numbers)}"
        rooms[room_id] = {}
        return web.json_response({"id": room_id, "name": request.query["name"]}, status=201)

    async def join(request: web.Request) -> web.StreamResponse:
        room, name = rooms[request.query["room"]], request.query["name"]
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        room[name] = ws
        await tell(room, {"event_type": "participant_joined", "participant": name})
        async for message in ws:
            await tell(room, {"text": message.data, "participant": name})
        del room[name]
        await tell(room, {"event_type": "participant_left", "participant": name})
        return ws

    app = web.Application()
    app.add_routes([web.post("/chat", create), web.get("/chat/join", join)])
    return app


if __name__ == "__main__":
    web.run_app(
        application(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        backlog=2048,
        loop=uvloop.new_event_loop(),
    )
