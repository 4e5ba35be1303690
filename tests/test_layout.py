"""The layout of the sources: imports without circles, directories that can be surveyed, files that can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

from tests.support.server import ROOT

MOST_MODULES = 20
MOST_LINES = 400
ROOMS = ("benchmarks", "chatty", "docs", "examples", "tests")


def sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from (ROOT / room).rglob("*.py")


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Names that import each other in a circle, if there are any."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """What each module imports: at its top, in a function, or only for types."""
    graph = grimp.build_graph("chatty", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_imports_in_functions_and_for_types_alone_are_looked_at_too(imports: dict[str, set[str]]) -> None:
    assert "chatty.server.app" in imports["chatty.cli.commands.serve"]  # in a function
    assert "chatty.client.room" in imports["chatty"]  # for types alone


def test_no_modules_import_each_other_in_a_circle(imports: dict[str, set[str]]) -> None:
    assert circle(imports) == []


def test_no_parts_of_a_package_import_each_other_in_a_circle(imports: dict[str, set[str]]) -> None:
    packages = {name.rpartition(".")[0] for name in imports} - {""}
    circles = {package: circle(between_parts(package, imports)) for package in packages}
    assert {package: found for package, found in circles.items() if found} == {}


def between_parts(package: str, imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Which parts of ``package``, modules or packages with all that is in them, import which others."""

    def part(module: str) -> str:
        return module.removeprefix(package + ".").partition(".")[0] if module.startswith(package + ".") else ""

    found: dict[str, set[str]] = {}
    for module, imported in imports.items():
        others = {part(other) for other in imported} - {part(module), ""}
        if part(module):
            found.setdefault(part(module), set()).update(others)
    return found


def test_no_directory_has_more_than_20_modules() -> None:
    counts = Counter(str(file.parent.relative_to(ROOT)) for file in sources() if file.name != "__init__.py")
    assert {path: count for path, count in counts.items() if count > MOST_MODULES} == {}


def test_no_file_has_more_than_400_lines() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in sources()}
    assert {file: length for file, length in lengths.items() if length > MOST_LINES} == {}
