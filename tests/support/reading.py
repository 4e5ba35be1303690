"""What the tests of rooms read from them."""

from __future__ import annotations

import chatty


async def texts_until(room: chatty.Room, last: str) -> list[str]:
    """The texts that the room says, up to and with ``last``."""
    texts = []
    async for event in room:
        if isinstance(event, chatty.Message):
            texts.append(event.text)
            if event.text == last:
                break
    return texts


async def story(server: str, room_id: str, *, leaves: int) -> list[chatty.Event | chatty.Gap]:
    """The room's history up to the moment when so many have left: who has just left may still be on the way out."""
    events: list[chatty.Event | chatty.Gap] = []
    async with chatty.join(server, room_id, participate=False, since=0) as room:
        async for event in room:
            events.append(event)
            leaves -= isinstance(event, chatty.ParticipantLeft)
            if not leaves:
                break
    return events
