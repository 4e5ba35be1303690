"""What can be completed: a /command, an @name, an :emoji:. Pure; the prompt shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from chatty.cli.join.emoji import EMOJI
from chatty.cli.join.slash_commands import complete
from chatty.cli.terminal.cleaning import clean

__all__ = ["Candidate", "candidates"]

MOST: Final = 50
"""Candidates offered at once."""

_NAME: Final = re.compile(r"(?<!\S)@([^\s@]*)$")
_EMOJI: Final = re.compile(r"(?<!\S):([a-z0-9_+-]+)$")
_WORD: Final = re.compile(r"(?<!\S)([^\s@:/]+)$")


class Candidate(NamedTuple):
    """``text`` may take the place of the last ``length`` characters; ``shown`` with ``help`` stands in the menu."""

    text: str
    length: int
    shown: str
    help: str = ""


def candidates(before: str, names: Iterable[str], *, asked: bool) -> Iterator[Candidate]:
    """What ``before``, the text up to the cursor, may go on to be.

    ``names`` are people, the likeliest first. ``asked``: somebody pressed Tab,
    which also completes a name without its @, where one is addressed.
    """
    for command in complete(before):
        shown = f"/{command.name} {command.argument}".rstrip()
        yield Candidate(f"/{command.name}", len(before), shown, command.help)
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
    beginning = beginning.casefold()
    return [clean(name, newlines=False) for name in names if name.casefold().startswith(beginning)][:MOST]


def _emoji(beginning: str) -> Iterator[Candidate]:
    """Short names that begin so come before those that only contain it; the best known ones come first in the table."""
    found = [name for name in EMOJI if beginning in name]
    for name in sorted(found, key=lambda name: (name != beginning, not name.startswith(beginning)))[:MOST]:
        yield Candidate(EMOJI[name], len(beginning) + 1, f":{name}:", EMOJI[name])
