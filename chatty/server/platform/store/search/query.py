"""Search queries: from a person's words to an FTS5 query.

For a prefix, FTS5 reads every match before it gives the first result. So a
prefix is replaced by the few words that begin with it. For those, FTS5 reads
from the newest message on, and only as far as needed.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from msgspec import Struct

from chatty.errors import Refused
from chatty.names import compare_key
from chatty.server.platform.store.search.text import fold, terms

PREFIXES: Final = 2
"""Prefixes of up to this many characters have an index of their own."""
MOST_CHARACTERS: Final = 512
MOST_WORDS: Final = 16
MOST_ENDINGS: Final = 128
"""Most words that replace a prefix. If there are more, they are so rare that reading all of them is quick."""

_LIST: Final = "CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'messages', 'instance')"
# It goes from one word to the next, because a list of all rows would repeat each word as often as it occurs.
_ENDINGS: Final = """
    WITH RECURSIVE found (term) AS (
        SELECT (SELECT term FROM temp.terms WHERE term >= :prefix LIMIT 1)
        UNION ALL
        SELECT (SELECT term FROM temp.terms WHERE term >= found.term || char(1) LIMIT 1) FROM found
        WHERE substr(found.term, 1, length(:prefix)) = :prefix
    )
    SELECT term FROM found WHERE substr(term, 1, length(:prefix)) = :prefix LIMIT :most"""


class Wanted(Struct, frozen=True):
    """A search for messages with words that begin with each of ``words``, by ``who`` unless that is empty.

    A word is one term or several in a row. The last one may be incomplete.
    """

    words: tuple[tuple[str, ...], ...]
    who: str


def wanted(q: str | None, name: str | None) -> Wanted | None:
    """The search for ``q`` by a participant's ``name``, or None if nothing can match. Raises Refused if too long."""
    if q is not None and len(q) > MOST_CHARACTERS:
        raise Refused("bad_request", f"q has at most {MOST_CHARACTERS} characters.")
    in_terms = (tuple(terms(fold(word))) for word in (q or "").split())
    words = tuple(dict.fromkeys(word for word in in_terms if word))  # punctuation alone is not a word
    if len(words) > MOST_WORDS:
        raise Refused("bad_request", f"q has at most {MOST_WORDS} words.")
    if not words and (q is not None or name is None):
        return None
    return Wanted(words, "" if name is None else who(name))


def who(name: str) -> str:
    """The index's word for a participant's name. Names that compare as equal have the same word."""
    return compare_key(name).encode().hex()


def match(db: sqlite3.Connection, look_for: Wanted) -> str:
    """The FTS5 query, for the index's connection ``db``; "" if nothing can match. Raises sqlite3.Error."""
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
    """The words that begin with ``prefix``; empty if FTS5 has to look for the prefix itself, None if there are none."""
    if len(prefix) <= PREFIXES:
        return []
    found = db.execute(_ENDINGS, {"prefix": prefix, "most": MOST_ENDINGS + 1}).fetchall()
    if not found:
        return None
    return [] if len(found) > MOST_ENDINGS else [term for (term,) in found]
