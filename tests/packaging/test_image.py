"""The container's image has what the wheel is made from, and runs as its settings say."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.packaging.building import WHEEL, build, contents, expected
from tests.support.server import ROOT


def instructions() -> Iterator[tuple[str, str]]:
    """The Dockerfile's, each with its arguments."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, arguments = line.partition(" ")
            yield word, arguments


def copied() -> Iterator[tuple[str, str]]:
    """What comes from the sources, and where it goes."""
    for word, arguments in instructions():
        if word == "COPY" and not arguments.startswith("--from"):
            *names, target = shlex.split(arguments)
            yield from ((name, target) for name in names)


def test_everything_that_is_copied_gets_past_dockerignore() -> None:
    kept = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()]
    assert "*" in kept  # first nothing, then what is named
    assert {name for name, _ in copied()} <= set(kept)


def test_the_wheel_that_the_image_builds_lacks_nothing(tmp_path: Path) -> None:
    sources = tmp_path / "src"
    for name, target in copied():
        into = sources / target / (Path(name).name if target.endswith("/") else "")
        into.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, into)
    build(sources, tmp_path / "dist", "--target", "wheel")
    assert contents(tmp_path / "dist" / WHEEL) == expected()
