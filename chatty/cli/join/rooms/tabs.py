"""The status line of several rooms: each with its number, and how much waits there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from msgspec import Struct

from chatty.cli.join.room.status import Status, connection_words, glyph
from chatty.cli.terminal.cleaning import room_title
from chatty.cli.terminal.folding import NARROW
from chatty.cli.terminal.width import clip, width

__all__ = ["Tab", "fragments", "listed", "meant"]


class Tab(Struct, frozen=True):
    """A room that is open: its ``status``, and what is new there. ``front``: it is the one that is shown."""

    status: Status
    unread: int = 0
    mentions: int = 0
    front: bool = False


def fragments(tabs: Sequence[Tab], now: float, columns: int) -> list[tuple[str, str]]:
    """The line as pairs of style and text, made safe to show, at most so many ``columns``. ``now`` is in seconds."""
    (front,) = (tab.status for tab in tabs if tab.front)
    style, sign = glyph(front.connection)
    room = columns - width(f" {sign}")
    parts = _parts(tabs, front, now, room, hint_first=columns < NARROW)
    if front.hint and width(" · ".join(parts)) >= room:
        parts = _parts(tabs, front, now, room, hint_first=True)
    return [("", " "), (style, sign), *_laid_out(parts, room)]


def listed(tabs: Sequence[Tab]) -> list[str]:
    """The rooms in words, a line each, safe to show."""
    return [f"{'>' if tab.front else ' '} {_tab(number, tab)}" for number, tab in enumerate(tabs, 1)]


def meant(names: Sequence[str], wanted: str, front: int) -> int | None:
    """The place among ``names`` that ``wanted`` means: by its number from 1, its name, a beginning or a part of that.

    Of several, the next one behind the ``front``.
    """
    if wanted.isdecimal() and 1 <= int(wanted[:4]) <= len(names):
        return int(wanted[:4]) - 1
    key = wanted.casefold()
    kinds: tuple[Callable[[str], bool], ...] = (key.__eq__, lambda name: name.startswith(key), lambda name: key in name)
    behind = [(front + step) % len(names) for step in range(1, len(names) + 1)]
    return next((at for is_meant in kinds for at in behind if is_meant(names[at].casefold())), None)


def _parts(tabs: Sequence[Tab], front: Status, now: float, columns: int, *, hint_first: bool) -> list[str]:
    """What the line says, for so many ``columns``. A hint is last, or ``hint_first``, so that all of it is seen."""
    alone = len(tabs) == 1
    words = connection_words(front, now)
    state = words if alone or front.connection != "connected" else ""
    hint = front.hint or "/help"
    before, after = ([hint], []) if hint_first else ([], [hint])
    rest = [front.typing, _slow(front, now), *after]
    room = columns - 1 - sum(width(part) + 3 for part in (state, *before, *rest) if part)
    names = _alone(front) if alone else _several(tabs, room)
    return [part for part in (state, *before, *names, *rest) if part]


def _laid_out(parts: Sequence[str], columns: int) -> list[tuple[str, str]]:
    """The first of the ``parts`` plainly, and the others dimly."""
    first, *others = parts
    tail = "".join(f" · {part}" for part in others)
    first = clip(f" {first}", columns)
    left = columns - width(first)
    return [("", first), ("dim", clip(tail, left) if left > 0 else "")]


def _alone(front: Status) -> list[str]:
    parts = [_name(front.room)] if front.room else []
    if front.online is not None and front.connection == "connected":
        parts.append(f"{front.online:,} online")
    if front.mentions:
        parts.append("1 mention" if front.mentions == 1 else f"{front.mentions:,} mentions")
    return parts


def _several(tabs: Sequence[Tab], columns: int) -> list[str]:
    """The rooms, as many as fit: before all the one in front, then those where something is new."""
    shown = [_tab(number, tab) for number, tab in enumerate(tabs, 1)]
    if sum(width(one) + 3 for one in shown) <= columns:
        return shown
    order = sorted(range(len(tabs)), key=lambda at: (not tabs[at].front, not tabs[at].mentions, not tabs[at].unread))
    kept: list[int] = []
    more = 0
    for at in order:
        left = columns - sum(width(shown[one]) + 3 for one in kept) - width(f"+{len(tabs)} · ")
        if kept and width(shown[at]) + 3 > left:
            more += 1
        else:
            kept.append(at)
    return [*(shown[at] for at in sorted(kept)), *([f"+{more}"] if more else [])]


def _tab(number: int, tab: Tab) -> str:
    words = [str(number), _name(tab.status.room)]
    if tab.front:
        if tab.status.online is not None and tab.status.connection == "connected":
            words.append(f"({tab.status.online:,} online)")
    elif tab.status.connection not in ("connected", "connecting"):
        words.append(glyph(tab.status.connection)[1])
    if tab.mentions:
        words.append(f"!{tab.mentions:,}")
    elif tab.unread and not tab.front:
        words.append(f"{tab.unread:,}")
    return " ".join(words)


def _name(room: str) -> str:
    return room_title(room) if room else "…"


def _slow(front: Status, now: float) -> str:
    if front.waiting and front.connection == "connected" and front.slow_until > now:
        return f"slow mode: {ceil(front.slow_until - now):,} s"
    return ""
