"""Lines of chatty's own: heads, news, failures. What they quote of other people is cleaned, and stays on its line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from rich.text import Text

from chatty.cli.terminal.cleaning import clean, clean_names, room_title
from chatty.cli.terminal.moments import recent
from chatty.cli.terminal.phrases import gap
from chatty.cli.terminal.quotes import quote
from chatty.names import compare_key
from chatty.protocol import Gap

__all__ = [
    "failure",
    "head",
    "mention_elsewhere",
    "missing",
    "news",
    "not_sent",
    "notice",
    "skipped",
    "to_copy",
]

NAMES: Final = 8
"""Names of people in a head; more are counted."""


def notice(text: str) -> Text:
    """A line of chatty's own. Where ``text`` has words of others, they stay on that line."""
    return Text(f"-- {clean(text, newlines=False)}", style="dim")


def failure(text: str) -> Text:
    """A line that says what went wrong."""
    return Text(f"!! {clean(text, newlines=False)}", style="bold red")


def to_copy(text: str) -> Text:
    """A line that the terminal itself breaks, so that it is copied as a whole."""
    return Text(f"  {clean(text, newlines=False)}", no_wrap=True)


def not_sent(why: str, text: str) -> tuple[Text, Text]:
    """Lines for a message that was not sent, with the message, so that it isn't lost."""
    reason = Text(f"✗ not sent: {clean(why, newlines=False)}", style="bold red")
    return reason, Text("  " + clean(text).replace("\n", "\n  "), style="dim", no_wrap=True)  # to be copied as it is


def missing(frame: Gap) -> Text:
    """A line that says why something can't be shown."""
    return notice(f"gap: {gap(frame)}")


def skipped(count: int, *, at_most: bool = False) -> Text:
    """``count`` messages that came during an absence and are not shown; ``at_most``: or fewer."""
    return Text(f"… {'up to ' if at_most else ''}{count:,} skipped · /history {min(count + 100, 5000)}", style="dim")


def head(name: str, topic: str, participants: Sequence[str], count: int) -> Text:
    """The line that a room is entered with: ``━━ #deploys · what goes out when · 3 here: Ada, ci, John ━━``.

    ``count`` people are here, of whom ``participants`` are known by name.
    """
    what = f" · {clean(topic, newlines=False)}" if topic else ""
    here = _here(sorted(participants, key=compare_key)[:NAMES], count)
    return Text.assemble(("━━ ", "dim"), (room_title(name), "bold"), (f"{what} · {here} ━━", "dim"))


def _here(names: Sequence[str], count: int) -> str:
    """How many people are here, some of them by their ``names``."""
    further = f", {count - len(names):,} more" if count > len(names) else ""
    return f"{count:,} here: {clean_names(names)}{further}" if names else f"{count:,} here"


def news(count: int, since: datetime | None, local: Callable[[datetime], datetime], now: datetime) -> Text:
    """The line above what is new: ``── 12 new since yesterday 18:02 ──``.

    ``count`` messages are new, 0 if that isn't known, ``since`` a time, if that
    is known. ``local`` turns an aware time into the reader's own; ``now`` is aware.
    """
    many = f"{count:,} " if count else ""
    when = f" since {recent(local(since), local(now))}" if since else ""
    return Text(f"── {many}new{when} ──", style="dim")


def mention_elsewhere(room: str, author: str, text: str, key: str = "") -> Text:
    """A mention in another room, with the ``key`` that goes there: ``!! #ops  Ada: @John hi  (Alt-2)``."""
    how = f"  ({key})" if key else ""
    return Text(f"!! {room_title(room)}  {quote(author, text)}{how}", style="bold")
