"""What ``import chatty`` gives."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import chatty
import chatty.client.inbox
import chatty.errors
import chatty.events
from tests.support.server import ROOT, environment


def test_every_public_name_is_there_and_documented() -> None:
    for name in chatty.__all__:
        assert getattr(chatty, name) is not None
        assert name == "__version__" or getattr(chatty, name).__doc__
    assert set(chatty.__all__) <= set(dir(chatty))


def test_type_checkers_see_the_names_that_programs_get() -> None:
    tree = ast.parse(Path(chatty.__file__).read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imported = [
        (alias.asname, node.module, alias.name)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(imported) == sorted((name, home, name) for name, home in chatty._HOMES.items())


def test_every_event_and_every_error_is_public() -> None:
    events = {name for name in chatty.events.__all__ if isinstance(getattr(chatty.events, name), type)}
    errors = {name for name in chatty.errors.__all__ if isinstance(getattr(chatty.errors, name), type)} - {"Code"}
    assert events | errors <= set(chatty.__all__)


def test_a_position_is_a_pair() -> None:
    epoch, seq = chatty.StreamPosition("epoch", 7)
    assert (epoch, seq) == ("epoch", 7)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Bot'"):
        _ = chatty.Bot


@pytest.mark.parametrize("module", ["chatty", "chatty.client", "chatty.client.identity"])
def test_importing_loads_no_http_library(module: str) -> None:
    code = f"import sys, {module}; print([name for name in ('aiohttp', 'asyncio', 'msgspec') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment())
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
