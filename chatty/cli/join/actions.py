"""What the slash commands do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

from rich.text import Text

from chatty import protocol
from chatty.cli.join import view
from chatty.cli.join.emoji import replace_shortcodes
from chatty.cli.join.hidden import Hidden
from chatty.cli.join.people import People
from chatty.cli.join.slash_commands import Outcome, Wrong, help_lines
from chatty.client.http import Http
from chatty.events import Message
from chatty.protocol import PAGE_EVENTS, decode_frame

__all__ = ["Host", "RoomActions"]

FOUND: Final = 20
"""Messages that ``/search`` shows."""

_NUMBER: Final = re.compile(r"#([1-9]\d{0,17})(?!\S)\s*")


class Host(Protocol):
    """What the commands act on: a conversation."""

    topic: str
    """What the room is about."""
    plain: bool
    """Whether nothing is redrawn, and what is typed is edited by the terminal itself."""

    @property
    def saying(self) -> bool:
        """Whether a message is still on its way."""

    def say(self, *lines: Text) -> None:
        """Show lines of chatty's own."""

    def give_back(self, line: str) -> None:
        """Put ``line`` into the prompt."""

    def restyle(self) -> None:
        """Show the time, or leave it out."""

    def clear(self) -> None:
        """Clear the window."""

    async def quit(self) -> None:
        """Leave."""


class RoomActions:
    """The `Actions` of the commands. ``look`` makes a numbered `View` for what doesn't follow what was shown before."""

    def __init__(
        self,
        host: Host,
        http: Http,
        room_id: str,
        *,
        people: People,
        hidden: Hidden,
        look: Callable[[], view.View],
    ) -> None:
        self._host = host
        self._http = http
        self._room_id = room_id
        self._people = people
        self._hidden = hidden
        self._look = look

    def _notice(self, text: str) -> None:
        self._host.say(view.notice(text))

    # --- what is said to the room ---

    def reply(self, argument: str) -> Outcome:
        """Answer the last message of somebody else, or the one that ``argument`` begins with (``#42``, ``@Ada``)."""
        seq, text = self._addressed(argument)
        if not text:
            raise Wrong("/reply needs a text")
        return protocol.Send(text, reply_to=seq)

    def edit(self, text: str) -> Outcome:
        """Change one's own last message; without ``text``, put it into the prompt."""
        if self._host.plain and not text:
            raise Wrong("plain lines don't come back: change your last message with /edit TEXT")
        mine = self._mine()
        if text:
            return protocol.Edit(mine.seq, text)
        self._host.give_back(f"/edit {mine.text}")
        return None

    def delete(self, which: str) -> Outcome:
        """Delete one's own last message, or the one that ``which`` names."""
        found = _NUMBER.fullmatch(which)
        if which and not found:
            raise Wrong("/delete takes the number of a message, for example /delete #42")
        return protocol.Delete(int(found[1]) if found else self._mine().seq)

    def react(self, argument: str, *, remove: bool = False) -> Outcome:
        """React with what ``argument`` begins with, or take that back; to which message as in `reply`."""
        reaction, *rest = argument.split(maxsplit=1)
        seq, more = self._addressed(rest[0] if rest else "")
        if more:
            raise Wrong("a reaction is one word, such as :tada:, and then at most #SEQ or @NAME")
        return protocol.React(seq, replace_shortcodes(reaction), remove)

    def topic(self, text: str) -> Outcome:
        """Show what the room is about, or say it; ``-`` says nothing."""
        if text:
            return protocol.SetTopic("" if text == "-" else " ".join(text.split()))
        self._notice(f"topic: {self._host.topic}" if self._host.topic else "no topic yet; /topic TEXT says one")
        return None

    def _mine(self) -> Message:
        if self._host.saying:
            raise Wrong("your last message is still on its way; try again when it is there")
        mine = self._people.mine()
        if mine is None:
            raise Wrong("you have said nothing here lately")
        return mine

    def _addressed(self, argument: str) -> tuple[int, str]:
        """The message that ``argument`` begins with, or the last one by somebody else; and what follows."""
        if found := _NUMBER.match(argument):
            return int(found[1]), argument[found.end() :]
        if argument.startswith("@"):
            for name in sorted(self._people.names(), key=len, reverse=True):
                given, rest = argument[1 : len(name) + 1], argument[len(name) + 1 :]
                if given.casefold() == name.casefold() and (not rest or not rest[0].isalnum()):
                    return self._seq(self._people.by(name), f"{name} has said nothing here lately"), rest.lstrip(
                        " ,:\n"
                    )
            raise Wrong(f"nobody called {argument.split()[0][1:]} is here")
        return self._seq(self._people.theirs(), "nobody else has said anything here lately"), argument

    @staticmethod
    def _seq(message: Message | None, why: str) -> int:
        if message is None:
            raise Wrong(why)
        return message.seq

    # --- what is shown ---

    def help(self) -> None:
        """Show the commands and the keys."""
        self._host.say(*(Text(f"   {line}") for line in help_lines()))

    async def who(self) -> None:
        """Show who is in the room."""
        present = await self._http.participants(self._room_id)
        here = sorted((one.name for one in present if not one.away), key=str.casefold)
        away = sorted((one.name for one in present if one.away), key=str.casefold)
        self._notice(f"{len(here):,} here: {', '.join(here)}")
        if away:
            self._notice(f"{len(away):,} away: {', '.join(away)}")

    async def history(self, count: int) -> None:
        """Show the newest ``count`` messages once more, or for the first time."""
        messages: list[Message] = []
        before: int | None = None
        more = True
        while more and len(messages) < count:
            limit = min(PAGE_EVENTS, count - len(messages))
            page = await self._http.events(self._room_id, before=before, limit=limit, types=("message",))
            older = _messages(page)
            messages[:0] = older
            more = page.more and bool(older)
            before = older[0].seq if older else None
        many = "1 message" if len(messages) == 1 else f"{len(messages):,} messages"
        self._show(messages, f"history: {many}", "end of the history")

    async def search(self, words: str) -> None:
        """Show the newest messages that have all the ``words``."""
        page = await self._http.events(self._room_id, q=words, limit=FOUND)
        found = _messages(page)
        if not found:
            self._notice(f"nothing found for: {words}")
            return
        which = f"the newest {len(found):,}" if page.more else f"{len(found):,}"
        self._show(found, f"found {which} for: {words}", "end of what was found")

    def _show(self, messages: list[Message], before: str, after: str) -> None:
        shown = [message for message in messages if not self._hidden.hides(message)]
        self._host.say(view.notice(before), *self._look().lines(shown), view.notice(after))

    # --- what changes for oneself alone ---

    def ignore(self, name: str) -> None:
        """Hide what ``name`` says; without one, tell who is ignored."""
        if name:
            self._hidden.ignore(name.removeprefix("@"))
        ignored = ", ".join(self._hidden.ignored)
        self._notice(f"ignored until you leave: {ignored}" if ignored else "nobody is ignored")

    def unignore(self, name: str) -> None:
        """Show again what ``name`` says."""
        name = name.removeprefix("@")
        if not self._hidden.unignore(name):
            raise Wrong(f"{name} is not ignored")
        self._notice(f"{name} is no longer ignored")

    def quiet(self) -> None:
        """Hide who joins and leaves, or show it again."""
        self._hidden.quiet = not self._hidden.quiet
        self._notice("who joins and leaves is hidden" if self._hidden.quiet else "who joins and leaves is shown")

    def timestamp(self) -> None:
        """Leave the time out of the lines, or show it again."""
        self._host.restyle()

    def clear(self) -> None:
        """Clear the window."""
        if self._host.plain:
            raise Wrong("plain lines are not cleared: use your terminal's own keys or menu")
        self._host.clear()

    async def quit(self) -> None:
        """Leave the room and end."""
        await self._host.quit()


def _messages(page: protocol.Page) -> list[Message]:
    return [frame for raw in page.events if isinstance(frame := decode_frame(bytes(raw)), Message)]
