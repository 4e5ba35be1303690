"""Commands of other chats, and what serves instead of them here."""

from __future__ import annotations

from typing import Final

__all__ = ["instead"]

_HERE: Final = {
    "who": "names users whois members",
    "nick": "name",
    "me": "action describe emote",
    "topic": "t subject",
    "rooms": "list channels chanlist buffers",
    "room": "buffer channel go goto switch win window",
    "part": "close leave wc",
    "quit": "bye disconnect exit",
    "history": "backlog last log scrollback",
    "search": "find grep lastlog",
    "clear": "cls",
    "ignore": "block",
    "unignore": "unblock",
    "role": "deop deowner devoice mode op owner voice",
    "mute": "quieten silence",
    "ban": "kb kickban",
    "set highlight": "highlight hilight",
    "set joins": "filter",
    "set bell": "beep bell",
    "set notify": "notify",
    "set color": "color colors",
}
"""What is called so here, by what others call it."""
_MEANT: Final = {other: here for here, others in _HERE.items() for other in others.split()}

_PRIVATE: Final = "There are no private messages: open a room for two, and /invite shows how others get in"
_ABSENT: Final = "Nobody is marked as away who is connected: say so with /me"
_CONNECTED: Final = "A lost connection comes back by itself; /join also takes the URL of a room on another server"
_TOLD: Final = {
    **dict.fromkeys(("dm", "msg", "notice", "query", "whisper"), _PRIVATE),
    **dict.fromkeys(("afk", "away", "back"), _ABSENT),
    **dict.fromkeys(("connect", "reconnect", "server"), _CONNECTED),
    "save": "What /set changes is kept at once",
    "say": "A text needs no command: type it alone",
}
"""Commands that have no like here, and the reason or the way around."""


def instead(name: str) -> str:
    """A sentence about what to do instead of the command ``name`` of another chat; empty if it isn't known."""
    if name in _MEANT:
        return f"Did you mean /{_MEANT[name]}?"
    return f"{_TOLD[name]}." if name in _TOLD else ""
