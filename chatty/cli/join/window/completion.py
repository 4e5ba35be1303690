"""Completion of a /command, a setting, an @name, an :emoji:. Pure; the prompt shows it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from chatty.cli.join.rendering.emoji import emoji_names
from chatty.cli.join.slash_commands.setting_actions import complete_setting
from chatty.cli.join.slash_commands.table import complete
from chatty.cli.terminal.cleaning import clean_name
from chatty.names import compare_key

__all__ = ["Candidate", "candidates"]

MOST: Final = 50
"""Candidates offered at once."""

_NAME: Final = re.compile(r"(?<!\S)@([^\s@]*)$")
_EMOJI: Final = re.compile(r"(?<!\S):([a-z0-9_+-]+)$")
_WORD: Final = re.compile(r"(?<!\S)([^\s@:/]+)$")


class Candidate(NamedTuple):
    """``text`` may replace the last ``length`` characters; the menu has it as ``shown``, with ``help``."""

    text: str
    length: int
    shown: str
    help: str = ""


def candidates(before: str, names: Iterable[str], can: Collection[str], *, asked: bool) -> Iterator[Candidate]:
    """The texts that ``before``, which is the text up to the cursor, may become.

    ``names`` are people, the likeliest first, and ``can`` one's own rights. ``asked``: somebody pressed Tab,
    which also completes a name without its @, as one writes it to address somebody.
    """
    for command in complete(before, can):
        shown = f"/{command.name} {command.argument}".rstrip()
        yield Candidate(f"/{command.name}", len(before), shown, command.help)
    for word, length, about in complete_setting(before):
        yield Candidate(word, length, word, about)
    if found := _NAME.search(before):
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
    """Short names that begin so come before those that only contain it, and of both the shortest come first."""
    names = emoji_names()
    found = [name for name in names if beginning in name]
    for name in sorted(found, key=lambda name: (not name.startswith(beginning), len(name), name))[:MOST]:
        yield Candidate(names[name], len(beginning) + 1, f":{name}:", names[name])
