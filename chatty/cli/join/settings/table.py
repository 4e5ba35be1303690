"""The settings that there are: one table for the file, ``/set``, completion and the documents. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from chatty.cli.join.room.attention import Bell
from chatty.cli.join.room.hidden import Joins

__all__ = ["SETTINGS", "TIME", "Setting", "Settings", "Value", "find"]

Value = str | tuple[str, ...]
"""What a setting may be: a text, or several."""

TIME: Final = "%H:%M"
TIME_LONGEST: Final = 24
"""Characters that the time of a line may take."""
NOTHING: Final = '""'
"""How somebody types a value that is empty."""
_NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Settings(Struct, frozen=True):
    """All settings, as they are in force in one room; by default, those of somebody who chose nothing."""

    bell: Bell = "mention"
    notify: str = "bell"
    joins: Joins = "smart"
    highlight: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    time: str = TIME
    color: Literal["auto", "always", "never"] = "auto"


class Setting(NamedTuple):
    """One setting: one of ``words``, or something ``other``, which `check` refuses by a ValueError.

    With ``many`` it is a list.
    """

    name: str
    help: str
    words: tuple[str, ...] = ()
    other: str = ""
    check: Callable[[str], None] = lambda _: None
    many: bool = False

    @property
    def takes(self) -> str:
        """The values that it may have, for people: ``mention, all or off``."""
        names = [*self.words, *filter(None, [self.other])]
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

    def read(self, value: object) -> Value:
        """The value that config.toml gives. Raises ValueError, with words for people."""
        if self.many:
            if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
                raise ValueError(f'it is a list of texts: {self.name} = ["…", "…"]')
            return tuple(dict.fromkeys(value))
        if not isinstance(value, str):
            raise ValueError(f"it may be {self.takes}, between quotes")
        if value in self.words:
            return value
        if not self.other:
            close = get_close_matches(value, self.words, n=1)
            raise ValueError(f'did you mean "{close[0]}"?' if close else f"it may be {self.takes}")
        self.check(value)
        return value

    def parse(self, typed: str) -> Value:
        """The value that somebody typed; a list has commas. Raises ValueError, with words for people."""
        text = "" if typed in (NOTHING, "''") else typed
        return self.read([one for part in text.split(",") if (one := part.strip())] if self.many else text)

    def show(self, value: Value) -> str:
        """``value``, as somebody would type it."""
        return (", ".join(value) if isinstance(value, tuple) else value) or NOTHING


def _check_command(text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"it is a command that can't be understood ({error})".lower()) from None
    if not words:
        raise ValueError("it may be bell, osc, off or a command")


def _check_time(text: str) -> None:
    shown = _NOON.strftime(text)
    if not shown.isprintable() or len(shown) > TIME_LONGEST:
        raise ValueError(f"it gives more than {TIME_LONGEST} characters, or some that are not seen")


SETTINGS: Final = (
    Setting("bell", "the messages that ring and count", ("mention", "all", "off")),
    Setting("notify", "what ringing does", ("bell", "osc", "off"), "COMMAND", _check_command),
    Setting("joins", "the joins and leaves that are shown", ("smart", "all", "none")),
    Setting("highlight", "words that mention you, beside your name", other="WORD, …", many=True),
    Setting("ignore", "people that are hidden", other="NAME, …", many=True),
    Setting("time", "the time before each line", other="FORMAT", check=_check_time),
    Setting("color", "whether there are colours", ("auto", "always", "never")),
)


def find(name: str) -> Setting:
    """The setting that is called so. Raises ValueError, with the name that was probably meant."""
    names = [setting.name for setting in SETTINGS]
    if name in names:
        return SETTINGS[names.index(name)]
    close = get_close_matches(name.lower(), names, n=1)
    raise ValueError(f'did you mean "{close[0]}"?' if close else f"settings are {', '.join(names)}")
