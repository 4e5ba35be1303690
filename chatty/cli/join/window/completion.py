"""Completion of a /command, a setting, an @name, an :emoji:. Pure; the prompt shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, NamedTuple

from chatty.cli.join.rendering.emoji import emoji_names, names_like
from chatty.cli.join.slash_commands.setting_actions import complete_setting
from chatty.cli.join.slash_commands.table import complete, serving
from chatty.cli.terminal.cleaning import clean_name
from chatty.cli.terminal.width import clip
from chatty.names import compare_key

__all__ = ["Candidate", "candidates"]

MOST: Final = 50
"""Candidates offered at once."""
USAGE: Final = 30
"""Columns that the usage of a command has in the menu, so that its help has some, too."""

_NAME: Final = re.compile(r"(?<!\S)@([^\s@]*)$")
_EMOJI: Final = re.compile(r"(?<!\S):([a-z0-9_+-]+)$")
_ROOM: Final = re.compile(r"/(?:room|join) (.*)$")
_HELP: Final = re.compile(r"/help /?(\S*)$")
_WORD: Final = re.compile(r"(?<!\S)([^\s@:/]+)$")


class Candidate(NamedTuple):
    """``text`` may replace the last ``length`` characters; the menu has it as ``shown``, with ``help``."""

    text: str
    length: int
    shown: str
    help: str = ""


def candidates(
    before: str, names: Iterable[str], can: Collection[str], rooms: Callable[[], Iterable[str]], *, asked: bool
) -> Iterator[Candidate]:
    """The texts that ``before``, which is the text up to the cursor, may become.

    ``names`` are people, the likeliest first, ``can`` one's own rights, and ``rooms`` gives the names of rooms.
    ``asked``: somebody pressed Tab, which also completes a name without its @, as one writes it to address somebody.
    """
    for command in complete(before, can):
        yield Candidate(f"/{command.name}", len(before), clip(command.usage, USAGE), command.help)
    for word, length, about in complete_setting(before):
        yield Candidate(word, length, word, about)
    if found := _HELP.match(before):
        for command in serving(can):
            if command.name.startswith(found[1]):
                yield Candidate(command.name, len(found[1]), f"/{command.name}", command.help)
    elif found := _ROOM.match(before):
        for name in dict.fromkeys(_matching(rooms(), found[1])):
            yield Candidate(name, len(found[1]), name)
    elif found := _NAME.search(before):
        for name in _matching(names, found[1]):
            yield Candidate(f"@{name}", len(found[0]), f"@{name}")
    elif found := _EMOJI.search(before):
        if asked or len(found[1]) > 1:
            yield from _emoji(found[1])
    elif asked and (found := _WORD.search(before)):
        colon = ": " if found.start() == 0 else ""
        for name in _matching(names, found[1]):
            yield Candidate(name + colon, len(found[0]), name)


def _matching(names: Iterable[str], beginning: str) -> list[str]:
    beginning = compare_key(beginning)
    return [clean_name(name) for name in names if compare_key(name).startswith(beginning)][:MOST]


def _emoji(beginning: str) -> Iterator[Candidate]:
    for name in names_like(beginning)[:MOST]:
        yield Candidate(emoji_names()[name], len(beginning) + 1, f":{name}:", emoji_names()[name])
