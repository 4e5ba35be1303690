"""The table of slash commands, and the meaning of a typed line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Final, NamedTuple

from chatty.cli.join.rendering.emoji import with_emoji
from chatty.cli.join.room.message_target import Choice, Pointer
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.actions import Outcome, first_word
from chatty.cli.join.slash_commands.elsewhere import instead
from chatty.cli.join.slash_commands.reading_actions import FILTERS
from chatty.cli.join.slash_commands.room_actions import RoomActions
from chatty.cli.terminal.cleaning import clean
from chatty.protocol import Send

__all__ = ["COMMANDS", "Command", "Do", "complete", "parse", "serving"]


_OPTIONAL: Final = re.compile(r"\[[^][]*(?:\[[^][]*\][^][]*)*\]")


class Command(NamedTuple):
    """A slash command: ``name`` without its slash, ``argument`` as the help shows it.

    What is in brackets may be left out; an empty argument means that it takes none.
    ``run`` is a method of `RoomActions`. ``points`` gives the message that the
    command is about, for an argument that is still being typed. Those who may
    not do what it ``needs`` are not told of it; the server decides. ``topic`` is
    what the help has it under. ``plain``: it works where nothing is redrawn.
    """

    name: str
    argument: str
    help: str
    run: Callable[..., Outcome]
    points: Callable[[Pointer, str], Choice] | None = None
    needs: str = ""
    topic: str = "Yourself"
    plain: bool = True

    @property
    def usage(self) -> str:
        """How it is written."""
        return f"/{self.name} {self.argument}".rstrip()

    @property
    def needs_argument(self) -> bool:
        """Whether its argument may not be left out."""
        return bool(_OPTIONAL.sub("", self.argument).strip())


def _replied_to(pointer: Pointer, argument: str) -> Choice:
    return pointer.addressed(argument)[0]


def _reacted_to(pointer: Pointer, argument: str) -> Choice:
    return pointer.addressed(first_word(argument)[1])[0]


def _edited(pointer: Pointer, _: str) -> Choice:
    return pointer.own()


MODERATE: Final = "moderate"
TALK, POINT, READ, ROOMS = "Talk", "Point at a message", "Read", "Rooms"
COMMANDS: Final = (
    Command("help", "[COMMAND|keys|marks]", "the commands and the keys", RoomActions.help),
    Command("me", "TEXT", "say what you do", RoomActions.me, topic=TALK),
    Command("topic", "[TEXT]", "what the room is about", RoomActions.topic, topic=TALK),
    Command("reply", "[@NAME|#SEQ] TEXT", "answer a message", RoomActions.reply, _replied_to, topic=POINT),
    Command("react", ":+1: [@NAME|#SEQ]", "react to a message", RoomActions.react, _reacted_to, topic=POINT),
    Command("unreact", ":+1: [@NAME|#SEQ]", "take a reaction back", RoomActions.unreact, _reacted_to, topic=POINT),
    Command("edit", "[TEXT]", "change your last message", RoomActions.edit, _edited, topic=POINT),
    Command("delete", "[#SEQ]", "delete your last message", RoomActions.delete, Pointer.own_or_numbered, topic=POINT),
    Command("who", "", "who is here, who is away", RoomActions.who, topic=READ),
    Command("history", f"[N] {FILTERS}", "what was said last", RoomActions.history, topic=READ),
    Command("search", f"WORDS {FILTERS}", "find what was said", RoomActions.search, topic=READ),
    Command("more", "", "the next page of these two", RoomActions.more, topic=READ),
    Command("show", "#SEQ", "a message and those around", RoomActions.show, topic=READ),
    Command("room", "N|NAME", "go to another open room", RoomActions.room, topic=ROOMS),
    Command("join", "ROOM", "open another room", RoomActions.join, topic=ROOMS),
    Command("part", "", "leave this room", RoomActions.part, topic=ROOMS),
    Command("rooms", "", "the rooms that you know", RoomActions.rooms, topic=ROOMS),
    Command("invite", "", "how others get in", RoomActions.invite, topic=ROOMS),
    Command("nick", "NAME", "change your name here", RoomActions.nick),
    Command("ignore", "[NAME]", "hide what somebody writes", RoomActions.ignore),
    Command("unignore", "NAME", "show it again", RoomActions.unignore),
    Command("quiet", "", "hide or show joins, leaves", RoomActions.quiet),
    Command("timestamp", "", "hide or show the time", RoomActions.timestamp),
    Command("set", "[NAME [VALUE]]", "settings, kept for good", RoomActions.set),
    Command("kick", "NAME [REASON]", "send somebody out, who may come back", RoomActions.kick, needs=MODERATE),
    Command("mute", "NAME|#SEQ [TIME] [REASON]", "let somebody only read", RoomActions.mute, needs=MODERATE),
    Command("unmute", "NAME", "let somebody speak again", RoomActions.unmute, needs=MODERATE),
    Command("ban", "NAME|#SEQ [TIME] [REASON]", "keep somebody out", RoomActions.ban, needs=MODERATE),
    Command("unban", "NAME", "let somebody in again", RoomActions.unban, needs=MODERATE),
    Command("lock", "", "let only moderators speak", RoomActions.lock, needs=MODERATE),
    Command("unlock", "", "let everybody speak again", RoomActions.unlock, needs=MODERATE),
    Command("slow", "TIME", "let members wait between messages; off ends it", RoomActions.slow, needs=MODERATE),
    Command("role", "NAME ROLE", "reader, poster, member, moderator or nobody", RoomActions.role, needs=MODERATE),
    Command("clear", "", "clear the window", RoomActions.clear, plain=False),
    Command("quit", "", "leave", RoomActions.quit),
)


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
        return Send(with_emoji(line))
    if typed.startswith("//"):
        return Send(with_emoji(line.lstrip()[1:]))
    name, argument = first_word(typed, start=1)
    for command in COMMANDS:
        if command.name == name:
            return Do(command, argument)
    shown = clean(name[:40], newlines=False)
    advice = instead(name.lower()) or _like(name.lower()) or "See /help; to send it as text, begin with //"
    raise Wrong(f"Unknown /{shown}. {advice}")


def _like(name: str) -> str:
    """Asks for the command that was probably meant: one that begins so, or is written much like it; may be empty."""
    names = [command.name for command in COMMANDS]
    beginning = [known for known in names if name and known.startswith(name)]
    close = get_close_matches(name, names, n=1, cutoff=0.75)
    meant = beginning if len(beginning) == 1 else close
    return f"Did you mean /{meant[0]}?" if meant else ""


def complete(before: str, can: Collection[str]) -> list[Command]:
    """The commands that ``before``, the text up to the cursor, may become, and that serve somebody who ``can`` do that.

    None unless it begins with one slash.
    """
    if not before.startswith("/") or " " in before or "\n" in before:
        return []
    return [command for command in serving(can) if command.name.startswith(before[1:])]


def serving(can: Collection[str], *, plain: bool = False) -> list[Command]:
    """The commands that serve somebody who ``can`` do that; with ``plain``, only those that work in plain lines."""
    return [one for one in COMMANDS if (not one.needs or one.needs in can) and (one.plain or not plain)]
