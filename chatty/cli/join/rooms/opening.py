"""Opens rooms: each with a conversation, what is remembered of it, and a journal of what waits to be sent."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from chatty.cli.environment import Environment
from chatty.cli.join.conversation import Conversation
from chatty.cli.join.rooms.entrance import Entrance
from chatty.cli.join.rooms.places import DRAFT, Place, Places
from chatty.cli.join.rooms.tabs import Tab
from chatty.cli.join.settings.preferences import Preferences, Sources
from chatty.cli.join.settings.reading import Room as Calls
from chatty.cli.join.slash_commands.actions import Switcher
from chatty.cli.targets import about
from chatty.client.http import Http
from chatty.client.journal.file import JournalError, free_journal
from chatty.client.room import Room

__all__ = ["OpenRoom", "Opening"]

LAST: Final = 50
"""Messages that are shown of a room where somebody is for the first time."""
NEW: Final = 200
"""Messages that are shown at most to somebody who comes back."""


class OpenRoom:
    """A room that is open: the way in, its conversation, and what is remembered of it."""

    def __init__(self, entrance: Entrance, conversation: Conversation, room: Room, place: Place) -> None:
        self.entrance = entrance
        self.conversation = conversation
        self.room = room
        self.place = place
        self.staying: asyncio.Task[None] | None = None
        conversation.on_draft = self.note_place

    def note_place(self) -> None:
        """Remember how far it was read by now, and what is being typed."""
        if seen := self.conversation.incoming.seen_position:
            self.place.see(seen, self.conversation.now())
        self.place.type(self.conversation.draft, self.conversation.outgoing.refused())

    def tab(self, *, front: bool) -> Tab:
        """How the status line shows it; ``front``: it is the one that is shown."""
        incoming = self.conversation.incoming
        return Tab(self.conversation.status(), incoming.unread, incoming.mentions, front)


class Opening:
    """Enters rooms for one session. ``plain`` says that all is shown as lines alone."""

    def __init__(self, env: Environment, places: Places, sources: Sources, *, plain: bool) -> None:
        self._env = env
        self._places = places
        self._sources = sources
        self._plain = plain
        self._https: dict[Any, Http] = {}
        self._stack = AsyncExitStack()

    async def enter(self, entrance: Entrance, switcher: Switcher, changed: asyncio.Event) -> OpenRoom:
        """Be in one more room. Raises what `chatty.client.room.join` does."""
        target, clock = entrance.target, asyncio.get_running_loop().time
        place = self._places.of(target.room_id)
        calls = Calls(target.room_id, entrance.room_name)
        http = await self.http(entrance)
        conversation = Conversation(
            http, target.room_id, entrance.room_name, switcher=switcher, clock=clock, now=self._env.now,
            changed=changed, plain=self._plain,
            preferences=Preferences(self._sources, profile=target.profile.profile, room=calls),
        )  # fmt: skip
        conversation.turn_away()
        if place.seen:
            conversation.come_back(place.seen, datetime.fromtimestamp(place.seen_at, UTC))
        with about(self._env, target):
            room = await self._entered(http, entrance, place, conversation)
        conversation.take_up(place.draft, place.refused)
        return OpenRoom(entrance, conversation, room, place)

    async def http(self, entrance: Entrance) -> Http:
        """The connections to the server of a room, which rooms share."""
        target, key = entrance.target, entrance.key
        at = (target.server, target.profile, key if isinstance(key, str) else "the profile's token")
        if at not in self._https:
            self._https[at] = await self._stack.enter_async_context(target.http(key))
        return self._https[at]

    async def _entered(self, http: Http, entrance: Entrance, place: Place, conversation: Conversation) -> Room:
        journal = self._journal(place)
        while True:
            conversation.outgoing.keeps = journal is not None
            room = http.join(
                entrance.target.room_id, name=entrance.name, last=NEW if place.seen else LAST,
                on_state=conversation.state_changed, journal=journal,
            )  # fmt: skip
            try:
                entered = await room.__aenter__()
            except JournalError as error:
                if error.because == "damaged":
                    self._places.warn(str(error))
                elif error.because != "in_use":  # another terminal was faster
                    raise
                journal = self._journal(place)
            except OSError as error:
                if journal is None:
                    raise
                self._places.cannot_keep(error)
                journal = None
            else:
                place.hold(journal)
                return entered

    def _journal(self, place: Place) -> Path | None:
        try:
            return free_journal(place.directory, beside=DRAFT)
        except OSError as error:
            self._places.cannot_keep(error)
            return None

    async def close(self) -> None:
        """Free all connections, after the rooms were left."""
        await self._stack.aclose()
