"""The slash commands: one table for parsing, help, completion and action.

A line is sent as a text unless it begins with a slash. One that begins with a
slash is never sent by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Coroutine
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, Protocol

from rich.text import Text

from chatty import protocol
from chatty.cli.join.rendering import view
from chatty.cli.join.rendering.emoji import replace_shortcodes
from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.room.message_target import Choice, Pointer
from chatty.cli.join.room.moderator_actions import ModeratorActions
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.terminal.cleaning import clean, clean_name, clean_names
from chatty.cli.terminal.phrases import listed
from chatty.client.http import Http
from chatty.events import Message
from chatty.names import same
from chatty.protocol import PAGE_EVENTS, Send, decode_frame

__all__ = ["COMMANDS", "KEYS", "Command", "Do", "Outcome", "RoomActions", "complete", "help_lines", "parse"]

HISTORY: Final = 100
"""Messages that ``/history`` shows when no number is given."""
HISTORY_MOST: Final = 5_000
FOUND: Final = 20
"""Messages that ``/search`` shows."""

_WORD: Final = re.compile(r"(\S*)\s*(.*)", re.DOTALL)

Outcome = protocol.Say | Coroutine[Any, Any, None] | None
"""The outcome of a command: something for the room, work that takes a while, or nothing more."""


class Host(Protocol):
    """The conversation that commands act on."""

    plain: bool
    """Whether nothing is redrawn, and the terminal itself edits what is typed."""

    def show(self, *lines: Text) -> None:
        """Show lines of chatty's own."""

    def give_back(self, line: str) -> None:
        """Put ``line`` into the prompt."""

    def clear(self) -> None:
        """Clear the window."""

    async def quit(self) -> None:
        """Leave."""


class RoomActions(ModeratorActions):
    """A method for each command. It gets the text behind the command's name.

    Methods raise Wrong if that text makes no sense. If work fails later, a line
    says so.
    """

    def __init__(self, host: Host, http: Http, room_id: str, incoming: Incoming) -> None:
        self._host = host
        self._http = http
        self._room_id = room_id
        self._incoming = incoming
        self._people = incoming.people
        self._pointer = incoming.pointer
        self._hidden = incoming.hidden

    def _notice(self, text: str) -> None:
        self._host.show(view.notice(text))

    # --- for the room ---

    def me(self, text: str) -> Outcome:
        """Send a text that says what one does."""
        return Send(text, action=True)

    def reply(self, argument: str) -> Outcome:
        """Answer the message that ``argument`` points at."""
        choice, text = self._pointer.addressed(argument)
        if not text:
            raise Wrong("/reply needs a text")
        return Send(text, reply_to=self._pointer.settle(choice))

    def edit(self, text: str) -> Outcome:
        """Change one's own newest message; without ``text``, put it into the prompt."""
        if self._host.plain and not text:
            raise Wrong("plain lines don't come back: change your last message with /edit TEXT")
        seq = self._pointer.settle(self._pointer.own())
        if text:
            return protocol.Edit(seq, text)
        mine = self._people.get(seq)
        self._host.give_back(f"/edit {mine.text if mine else ''}")
        return None

    def delete(self, argument: str) -> Outcome:
        """Delete one's own newest message, or the one with a number."""
        return protocol.Delete(self._pointer.settle(self._pointer.own_or_numbered(argument)))

    def react(self, argument: str) -> Outcome:
        """React to the message that ``argument`` points at behind its first word."""
        return self._reaction(argument, remove=False)

    def unreact(self, argument: str) -> Outcome:
        """Take a reaction back."""
        return self._reaction(argument, remove=True)

    def _reaction(self, argument: str, *, remove: bool) -> Outcome:
        sign, rest = _first_word(argument)
        choice, more = self._pointer.addressed(rest)
        if more:
            raise Wrong("a reaction is one word, such as :tada:, and then at most #SEQ or @NAME")
        return protocol.React(self._pointer.settle(choice), replace_shortcodes(sign), remove)

    def topic(self, text: str) -> Outcome:
        """Show what the room is about, or change it; ``-`` clears it."""
        if text:
            return protocol.SetTopic("" if text == "-" else " ".join(text.split()))
        topic = self._incoming.topic
        self._notice(f"topic: {topic}" if topic else "no topic yet; /topic TEXT sets one")
        return None

    def nick(self, name: str) -> Outcome:
        """Change one's own name."""
        return protocol.Rename(name)

    # --- from the room ---

    async def who(self) -> None:
        """Show who is in the room."""
        present = await self._http.participants(self._room_id)
        here, away = ([one for one in present if one.away is is_away] for is_away in (False, True))
        self._notice(f"{len(here):,} here: {listed(here)}")
        if away:
            self._notice(f"{len(away):,} away: {listed(away)}")

    def history(self, argument: str) -> Outcome:
        """Show the newest messages once more, or for the first time."""
        return self._newest(_count(argument))

    async def _newest(self, count: int) -> None:
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
        self._show(messages, f"history: {view.counted(len(messages), 'message')}", "end of the history")

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
        self._host.show(view.notice(before), *self._incoming.look().lines(shown), view.notice(after))

    # --- for oneself alone ---

    def help(self) -> None:
        """Show the commands and the keys."""
        self._host.show(*(Text(f"   {line}") for line in help_lines(self._incoming.can)))

    def ignore(self, argument: str) -> None:
        """Hide what somebody writes; without a name, show who is ignored."""
        if argument:
            name = self._known(argument)
            if same(name, self._people.me):
                raise Wrong("that is you")
            self._hidden.ignore(name)
        ignored = clean_names(self._hidden.ignored)
        self._notice(f"ignored until you leave: {ignored}" if ignored else "nobody is ignored")

    def unignore(self, argument: str) -> None:
        """Show again what somebody writes."""
        name = self._known(argument)
        if not self._hidden.unignore(name):
            raise Wrong(f"{clean_name(name)} is not ignored")
        self._notice(f"{clean_name(name)} is no longer ignored")

    def _known(self, argument: str) -> str:
        """The present name of the person that is called as in ``argument``, or was lately."""
        for name in (argument, argument.removeprefix("@")):
            if self._hidden.ignores(name):
                return name
            if person := self._people.find(name):
                return person.name
        raise Wrong(f"nobody called {clean_name(argument.removeprefix('@'))} is here, or was lately")

    def quiet(self) -> None:
        """Hide that people join and leave, or show it again."""
        self._hidden.quiet = not self._hidden.quiet
        self._notice("joins and leaves are hidden" if self._hidden.quiet else "joins and leaves are shown")

    def timestamp(self) -> None:
        """Leave the time out of the lines, or show it again."""
        self._incoming.restyle()

    def clear(self) -> None:
        """Clear the window."""
        if self._host.plain:
            raise Wrong("plain lines are not cleared: use your terminal's own keys or menu")
        self._host.clear()

    async def quit(self) -> None:
        """Leave the room and end."""
        await self._host.quit()


def _first_word(text: str, start: int = 0) -> tuple[str, str]:
    """The word with which ``text`` begins at ``start``, and the rest."""
    found = _WORD.match(text, start)
    assert found  # it matches anything
    return found[1], found[2]


def _messages(page: protocol.Page) -> list[Message]:
    return [frame for raw in page.events if isinstance(frame := decode_frame(bytes(raw)), Message)]


def _count(argument: str) -> int:
    if not argument:
        return HISTORY
    if not argument.isdecimal() or not 1 <= int(argument[:9]) <= HISTORY_MOST:
        raise Wrong(f"/history takes a number from 1 to {HISTORY_MOST:,}, for example /history 200")
    return int(argument)


class Command(NamedTuple):
    """A slash command: ``name`` without its slash, ``argument`` as the help shows it.

    An argument in brackets may be left out; empty means that it takes none.
    ``run`` is a method of `RoomActions`. ``points`` gives the message that the
    command is about, for an argument that is still being typed. Those who may
    not do what it ``needs`` are not told of it; the server decides.
    """

    name: str
    argument: str
    help: str
    run: Callable[..., Outcome]
    points: Callable[[Pointer, str], Choice] | None = None
    needs: str = ""

    @property
    def needs_argument(self) -> bool:
        """Whether its argument may not be left out."""
        return bool(self.argument) and not (self.argument.startswith("[") and self.argument.endswith("]"))


def _replied_to(pointer: Pointer, argument: str) -> Choice:
    return pointer.addressed(argument)[0]


def _reacted_to(pointer: Pointer, argument: str) -> Choice:
    return pointer.addressed(_first_word(argument)[1])[0]


def _edited(pointer: Pointer, _: str) -> Choice:
    return pointer.own()


MODERATE: Final = "moderate"
COMMANDS: Final = (
    Command("help", "", "the commands and the keys", RoomActions.help),
    Command("me", "TEXT", "say what you do: * Ada waves", RoomActions.me),
    Command("reply", "[@NAME|#SEQ] TEXT", "answer somebody's last message", RoomActions.reply, _replied_to),
    Command("edit", "[TEXT]", "change your last message; alone, it comes back", RoomActions.edit, _edited),
    Command("delete", "[#SEQ]", "delete your last message, or another", RoomActions.delete, Pointer.own_or_numbered),
    Command("react", ":+1: [@NAME|#SEQ]", "react to somebody's last message", RoomActions.react, _reacted_to),
    Command("unreact", ":+1: [@NAME|#SEQ]", "take a reaction back", RoomActions.unreact, _reacted_to),
    Command("who", "", "who is here, and who is away", RoomActions.who),
    Command("topic", "[TEXT]", "what the room is about; - clears it", RoomActions.topic),
    Command("nick", "NAME", "change your name", RoomActions.nick),
    Command("history", "[N]", f"the last N messages ({HISTORY} by default)", RoomActions.history),
    Command("search", "WORDS", "the newest messages with these words", RoomActions.search),
    Command("ignore", "[NAME]", "hide what somebody writes, until you leave", RoomActions.ignore),
    Command("unignore", "NAME", "show it again", RoomActions.unignore),
    Command("quiet", "", "hide that people join and leave, or show it again", RoomActions.quiet),
    Command("timestamp", "", "hide the time, or show it again", RoomActions.timestamp),
    Command("kick", "NAME [REASON]", "send somebody out, who may come back", RoomActions.kick, needs=MODERATE),
    Command("mute", "NAME|#SEQ [TIME] [REASON]", "let somebody only read", RoomActions.mute, needs=MODERATE),
    Command("unmute", "NAME", "let somebody speak again", RoomActions.unmute, needs=MODERATE),
    Command("ban", "NAME|#SEQ [TIME] [REASON]", "keep somebody out", RoomActions.ban, needs=MODERATE),
    Command("unban", "NAME", "let somebody in again", RoomActions.unban, needs=MODERATE),
    Command("lock", "", "let only moderators speak", RoomActions.lock, needs=MODERATE),
    Command("unlock", "", "let everybody speak again", RoomActions.unlock, needs=MODERATE),
    Command("slow", "TIME", "let members wait between messages; off ends it", RoomActions.slow, needs=MODERATE),
    Command("role", "NAME ROLE", "reader, poster, member, moderator or nobody", RoomActions.role, needs=MODERATE),
    Command("clear", "", "clear the window", RoomActions.clear),
    Command("quit", "", "leave the room", RoomActions.quit),
)

KEYS: Final = (
    ("Enter", "sends; a paste of more than 5 lines when pressed twice; Alt-Enter: new line"),
    ("Up, Down", "what you sent before, unless it began with a space"),
    ("Ctrl-R", "searches in it; again: further back; Enter takes what was found"),
    ("Ctrl-X Ctrl-E", "opens your editor ($VISUAL, $EDITOR) with the draft"),
    ("Tab", "completes a /command, an @name or an :emoji:"),
    ("Ctrl-C", "closes the menu, clears the draft; twice: leaves"),
    ("Ctrl-D", "leaves when the line is empty"),
    ("Ctrl-Z", "suspends; fg comes back"),
    ("//text", "sends a line that begins with a slash"),
)

_MEANT: Final = {"bye": "quit", "exit": "quit", "leave": "quit", "part": "quit", "names": "who", "name": "nick"}
"""Commands of other chats, and what they are called here."""


class Do(NamedTuple):
    """``command``, with the text behind its name."""

    command: Command
    argument: str

    def run(self, actions: RoomActions) -> Outcome:
        """Do it. Raises Wrong if the command can't do anything with its argument."""
        name, takes = self.command.name, self.command.argument
        if self.argument and not takes:
            raise Wrong(f"/{name} takes no argument")
        if not self.argument and self.command.needs_argument:
            raise Wrong(f"/{name} needs an argument: /{name} {takes}")
        return self.command.run(actions, self.argument) if takes else self.command.run(actions)

    def points_at(self, pointer: Pointer) -> Choice | None:
        """The message that it is about; None: it isn't about one. Raises Wrong if there is no such message."""
        return self.command.points(pointer, self.argument) if self.command.points else None


def parse(line: str) -> Send | Do:
    """The meaning of a typed line. One that looks like a command is never a text: raises Wrong if it is unknown."""
    typed = line.strip()
    if not typed.startswith("/"):
        return Send(line)
    if typed.startswith("//"):
        return Send(line.lstrip()[1:])
    name, argument = _first_word(typed, start=1)
    for command in COMMANDS:
        if command.name == name:
            return Do(command, argument)
    shown = clean(name[:40], newlines=False)
    if meant := _meant(name.lower()):
        raise Wrong(f"Unknown /{shown}. Did you mean /{meant}?")
    raise Wrong(f"Unknown /{shown}. See /help; to send it as text, begin with //")


def _meant(name: str) -> str | None:
    """The command that was probably meant: one that is called so elsewhere, begins so, or is written much like it."""
    names = [command.name for command in COMMANDS]
    beginning = [known for known in names if name and known.startswith(name)]
    close = get_close_matches(name, names, n=1, cutoff=0.7)
    return _MEANT.get(name) or (beginning[0] if len(beginning) == 1 else None) or (close[0] if close else None)


def complete(before: str, can: Collection[str]) -> list[Command]:
    """The commands that ``before``, the text up to the cursor, may become, and that serve somebody who ``can`` do that.

    None unless it begins with one slash.
    """
    if not before.startswith("/") or " " in before or "\n" in before:
        return []
    return [command for command in _serving(can) if command.name.startswith(before[1:])]


def help_lines(can: Collection[str]) -> list[str]:
    """The help, from the same table, ready to show to somebody who ``can`` do that."""
    rows = [(f"/{command.name} {command.argument}".rstrip(), command.help) for command in _serving(can)]
    width = max(len(left) for left, _ in (*rows, *KEYS))
    return [f"{left:<{width}}  {right}" for left, right in (*rows, *KEYS)]


def _serving(can: Collection[str]) -> list[Command]:
    return [command for command in COMMANDS if not command.needs or command.needs in can]
