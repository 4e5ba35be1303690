"""What ``/help COMMAND`` says beyond the usage of a command."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["EXPLAINED", "Explained"]


class Explained(NamedTuple):
    """A sentence or two about a command, an example, and the keys that are related to it."""

    sentence: str
    example: str = ""
    keys: str = ""


_SELECT: Final = "Alt-↑, Alt-↓ select a message, Esc lets go"

EXPLAINED: Final = {
    "help": Explained(
        "Shows the commands and the keys, or explains one command, the keys, or what the marks mean.", "/help reply"
    ),
    "me": Explained("Says what you do; everybody sees it as * Ada waves.", "/me waves"),
    "topic": Explained(
        "Shows what the room is about, or with TEXT changes it. A dash clears it.", "/topic what goes out when"
    ),
    "reply": Explained(
        "Answers the selected message; else the last one of somebody else, of @NAME, or number #SEQ.",
        "/reply @Ada yes, at noon",
        f"{_SELECT}; Enter answers it",
    ),
    "react": Explained(
        "Reacts to the selected message; else to the last one of somebody else, of @NAME, or number #SEQ.",
        "/react :tada:",
        f"{_SELECT}; Alt-R shows a menu",
    ),
    "unreact": Explained(
        "Takes your reaction back. The message is chosen as with /react.", "/unreact :tada: #42", _SELECT
    ),
    "edit": Explained(
        "Changes the selected message, if it is yours; else your last one. Without TEXT it comes back into your line.",
        "/edit see you at noon",
        f"{_SELECT}; Alt-E edits it",
    ),
    "delete": Explained(
        "Deletes the selected message; else your last one, or number #SEQ. Moderators may delete what others wrote.",
        "/delete #42",
        f"{_SELECT}; Alt-D deletes it",
    ),
    "who": Explained("Shows who is here, and who is away."),
    "history": Explained(
        "Shows the last N messages, 100 unless told, with their numbers: all of them, those of NAME, or those since "
        "a time (2h, 2026-11-28). The options come last.",
        "/history 20 --from Ada --since 2h",
    ),
    "search": Explained(
        "Shows the newest 20 messages that have all these words, or words that begin so: of everybody or of NAME, "
        "since a time (2h, 2026-11-28) or ever. The options come last.",
        "/search release --from Ada --since 7d",
    ),
    "more": Explained("Shows the next page, of older messages, of the last /history or /search."),
    "show": Explained(
        "Shows the message with this number between the five before and the five after it. A text of more than 20 rows "
        "opens in your pager ($PAGER), if you have one.",
        "/show #42",
    ),
    "room": Explained(
        "Goes to another open room, by its number or name.",
        "/room ops",
        "Alt-1…9, Alt-0, Alt-←, Alt-→; Alt-A goes to what is new",
    ),
    "join": Explained("Opens another room, by its id, URL or name, and goes there.", "/join ops"),
    "part": Explained("Leaves this room, and stays in the others."),
    "rooms": Explained("Shows the rooms that you know, and which of them are open."),
    "invite": Explained("Shows what others need to get into this room."),
    "nick": Explained("Changes your name in this room, until you leave it.", "/nick Ada L."),
    "ignore": Explained("Hides what somebody writes. Without a name, shows whom you ignore.", "/ignore Eve"),
    "unignore": Explained("Shows again what somebody writes.", "/unignore Eve"),
    "quiet": Explained("Hides that people join and leave, or shows it again."),
    "timestamp": Explained("Hides the time of each line, or shows it again."),
    "set": Explained(
        "Shows your settings, or one of them; with VALUE, changes it for good. Names and values are completed by Tab.",
        "/set joins none",
    ),
    "kick": Explained("Sends somebody out, who may come back.", "/kick Eve too loud"),
    "mute": Explained("Lets somebody read, but not speak: for a time, or for good.", "/mute Eve 1h spam"),
    "unmute": Explained("Lets somebody speak again.", "/unmute Eve"),
    "ban": Explained("Keeps somebody out: for a time, or for good.", "/ban Eve 1d spam"),
    "unban": Explained("Lets somebody in again.", "/unban Eve"),
    "lock": Explained("Lets only moderators and owners speak."),
    "unlock": Explained("Lets everybody speak again."),
    "slow": Explained("Members wait so long between two messages; off ends that.", "/slow 10s"),
    "role": Explained(
        "Gives somebody a role: reader, poster, member, moderator or owner; nobody takes it away.",
        "/role Ada moderator",
    ),
    "clear": Explained("Clears the window."),
    "quit": Explained("Leaves.", keys="Ctrl-D on an empty line, Ctrl-C twice"),
}
