"""From what somebody looks for to what FTS5 is asked.

FTS5 reads everything that begins with a prefix before it gives the first
result. So a prefix is asked for as the few words that begin with it, which it
reads from the newest message on, and only as far as is needed.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from msgspec import Struct

from chatty.errors import Refused
from chatty.names import compare_key
from chatty.server.platform.store.search_text import fold, terms

PREFIXES: Final = 2
"""Prefixes of up to so many characters have an index of their own."""
MOST_CHARACTERS: Final = 512
MOST_WORDS: Final = 16
MOST_ENDINGS: Final = 128
"""Words that stand for a prefix. Where there are more, each is so rare that to read them all takes no time."""

_LIST: Final = "CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'messages', 'instance')"
# From one word on to the next: a list of all rows would have each as often as it was said.
_ENDINGS: Final = """
    WITH RECURSIVE found (term) AS (
        SELECT (SELECT term FROM temp.terms WHERE term >= :prefix LIMIT 1)
        UNION ALL
        SELECT (SELECT term FROM temp.terms WHERE term >= found.term || char(1) LIMIT 1) FROM found
        WHERE substr(found.term, 1, length(:prefix)) = :prefix
    )
    SELECT term FROM found WHERE substr(term, 1, length(:prefix)) = :prefix LIMIT :most"""


class Wanted(Struct, frozen=True):
    """What is looked for: messages with words that begin with each of ``words``, of ``who`` unless that is empty.

    A word is one term or several in a row, of which the last one is begun.
    """

    words: tuple[tuple[str, ...], ...]
    who: str


def wanted(q: str | None, name: str | None) -> Wanted | None:
    """What a search for ``q``, by a participant's ``name``, looks for; None where it is for nothing at all.

    Raises Refused where it is for too much.
    """
    if q is not None and len(q) > MOST_CHARACTERS:
        raise Refused("bad_request", f"q has at most {MOST_CHARACTERS} characters.")
    in_terms = (tuple(terms(fold(word))) for word in (q or "").split())
    words = tuple(dict.fromkeys(word for word in in_terms if word))  # signs alone are none
    if len(words) > MOST_WORDS:
        raise Refused("bad_request", f"q has at most {MOST_WORDS} words.")
    if not words and (q is not None or name is None):
        return None
    return Wanted(words, "" if name is None else who(name))


def who(name: str) -> str:
    """A participant's name as the index's word: one for all names that are the same."""
    return compare_key(name).encode().hex()


def match(db: sqlite3.Connection, look_for: Wanted) -> str:
    """What FTS5 is asked on the index's connection ``db``; "" for what is surely not there. Raises sqlite3.Error."""
    db.execute(_LIST)
    parts = [f'who : "{look_for.who}"'] if look_for.who else []
    for words in look_for.words:
        endings = _endings(db, words[0]) if len(words) == 1 else []
        if endings is None:
            return ""
        said = " OR ".join(f'"{word}"' for word in endings) or f'"{" ".join(words)}" *'
        parts.append(f"text : ({said})")
    return " AND ".join(parts)


def _endings(db: sqlite3.Connection, prefix: str) -> list[str] | None:
    """The words that begin with ``prefix``, or None if there are none. Empty: FTS5 shall look for them itself."""
    if len(prefix) <= PREFIXES:
        return []
    found = db.execute(_ENDINGS, {"prefix": prefix, "most": MOST_ENDINGS + 1}).fetchall()
    if not found:
        return None
    return [] if len(found) > MOST_ENDINGS else [term for (term,) in found]
