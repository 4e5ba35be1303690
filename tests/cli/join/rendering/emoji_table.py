"""Writes chatty/cli/join/rendering/emoji_names.txt, the short names of emoji, from the package `emoji`.

``make emoji`` runs it. Chatty itself doesn't need that package. Emoji with a skin tone are left out:
they would fill the menu, and nobody types their names.
"""

from __future__ import annotations

import re
import unicodedata

import emoji

from tests.support.server import ROOT

FILE = ROOT / "chatty/cli/join/rendering/emoji_names.txt"


def table() -> str:
    """A line for each emoji: the emoji, and its names, none of which an earlier one has."""
    taken: set[str] = set()
    lines = []
    for sign, about in emoji.EMOJI_DATA.items():
        if about["status"] != emoji.STATUS["fully_qualified"] or "skin_tone" in about["en"]:
            continue
        names = dict.fromkeys(map(short, (about["en"], *about.get("alias", ()))))
        free = [name for name in names if name not in taken and not name.isdigit()]  # 12:30:45 is a time
        taken.update(free)
        lines.append(" ".join((sign, *free)))
    return "\n".join(lines) + "\n"


def short(name: str) -> str:
    """A name as it is typed between colons: ``:Côte_d’Ivoire:`` is ``cote_divoire``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9+-]+", "_", plain).strip("_")


if __name__ == "__main__":
    FILE.write_text(table(), "utf-8")
