"""What `make mutation` changes, and that it finds the modules and their tests."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.mutation import MIRRORS, mutants

SOURCE = ast.unparse(
    ast.parse('''
LIMIT: int = 10

def found(names: list[str], limit=LIMIT):
    """Which names there are."""
    kept = [name for name in names if name]
    kept.sort()
    if len(kept) > limit and not names:
        raise ValueError("too many")
    return kept
''')
)

CHANGES = [
    "LIMIT: int = 11",
    "kept = [name for name in names if not name]",
    "pass",
    "pass",
    "if not (len(kept) > limit and (not names)):",
    "if len(kept) > limit or not names:",
    "if len(kept) >= limit and (not names):",
    "if len(kept) <= limit and (not names):",
    "if kept > limit and (not names):",
    "if len(kept) > limit and names:",
    "pass",
    "raise 'too many'",
    "raise ValueError('XXtoo manyXX')",
    "return None",
]


def test_every_change_is_made_once_and_none_to_what_only_people_read() -> None:
    lines = SOURCE.splitlines()
    changed = [[line.strip() for line in mutant.splitlines() if line not in lines] for _, mutant in mutants(SOURCE)]
    assert sorted(changed) == sorted([change] for change in CHANGES)


def test_all_modules_and_their_tests_are_there() -> None:
    for module, tests in MIRRORS.items():
        assert all(Path(path).exists() for path in (module, *tests))
