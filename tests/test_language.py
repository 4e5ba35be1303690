"""What people read is idiomatic English: documents, help, messages and docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.server import ROOT

DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SOURCES: Final = sorted([*(ROOT / "chatty").rglob("*.py"), *(ROOT / "examples").glob("*.py")])

UNIDIOMATIC: Final = re.compile(
    r"\bwhoever\b|\bwhosoever\b|\bshall\b"
    r"|(?<!there )\b(?:is|are|was|were) no (?!longer\b|such\b|more\b|others?\b|way\b)\w+"
    r"|(?<=[.!?] )Who (?!are\b|is\b|can\b|may\b)\w+ [^?]*[.;]",
    re.IGNORECASE,
)
"""Words and turns that a native speaker would not write here: "who is no member" is "a client that is not a member"."""


def phrases(path: Path) -> Iterator[tuple[int, str]]:
    """Everything in a file that people read, with the lines where it begins: for a source its texts and docstrings."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        yield from enumerate(text.splitlines(), 1)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, " ".join(node.value.split())


@pytest.mark.parametrize("path", [*DOCUMENTS, *SOURCES], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_people_read_is_idiomatic(path: Path) -> None:
    found = [f"{path.relative_to(ROOT)}:{line}: {text}" for line, text in phrases(path) if UNIDIOMATIC.search(text)]
    assert found == []
