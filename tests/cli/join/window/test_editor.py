"""The editor that a draft is opened in."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatty.cli.join.window.editor import edited


def program(file: Path, script: str) -> str:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


def test_the_editor_gets_the_draft_and_what_it_leaves_is_the_new_one(tmp_path: Path) -> None:
    editor = program(tmp_path / "editor", 'test "$1" = -x && printf "more\\n" >>"$2"')
    assert edited("draft\n", {"EDITOR": f"'{editor}' -x"}) == "draft\nmore"


def test_visual_comes_before_editor_and_both_before_what_is_there(tmp_path: Path) -> None:
    for name in ("mine", "other", "editor"):
        program(tmp_path / name, f'echo {name} >"$1"')
    path = {"PATH": str(tmp_path)}
    assert edited("", path) == "editor"
    assert edited("", {"EDITOR": "other", **path}) == "other"
    assert edited("", {"VISUAL": "mine", "EDITOR": "other", **path}) == "mine"


def test_what_an_editor_that_fails_leaves_is_not_taken(tmp_path: Path) -> None:
    assert edited("draft", {"EDITOR": program(tmp_path / "editor", 'echo no >"$1"; exit 1')}) == "draft"


def test_what_is_no_unicode_is_shown_as_such(tmp_path: Path) -> None:
    assert (
        edited("", {"EDITOR": program(tmp_path / "editor", "printf 'a\\377b' >\"$1\"")})
        == "a\N{REPLACEMENT CHARACTER}b"
    )


@pytest.mark.parametrize("editor", ["", " ", "missing", "'unclosed"])
def test_none_that_can_be_started_is_told_apart(tmp_path: Path, editor: str) -> None:
    assert edited("draft", {"EDITOR": editor, "PATH": str(tmp_path)}) is None
