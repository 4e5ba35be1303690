"""The pager that a long text is opened in."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatty.cli.join.window.pager import paged
from tests.cli.join.typist import at_prompt
from tests.cli.join.window.test_editor import program


def test_the_pager_gets_the_text_and_its_arguments_without_a_shell(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    pager = program(tmp_path / "pager", f'{{ echo "$1"; cat; }} >{seen}')
    assert paged("one\ntwo ␛ é\n", {"PAGER": f"'{pager}' '$HOME;x'", "PATH": "/bin:/usr/bin"})
    assert seen.read_text() == "$HOME;x\none\ntwo ␛ é\n"


def test_a_pager_that_is_left_early_has_shown_it(tmp_path: Path) -> None:
    assert paged("x" * 1_000_000, {"PAGER": program(tmp_path / "pager", "exit 1")})


@pytest.mark.parametrize("pager", ["", " ", "missing", "'unclosed"])
def test_one_that_cannot_be_started_is_told_apart(tmp_path: Path, pager: str) -> None:
    assert not paged("text", {"PAGER": pager, "PATH": str(tmp_path)})


async def test_the_prompt_lends_the_terminal_to_the_pager_and_is_there_again() -> None:
    lent: list[bool] = []

    def pager(text: str) -> bool:
        lent.append(typist.prompt.editing and typist.prompt.app.lent)
        return True

    async with at_prompt(pager=pager) as typist:
        assert await typist.prompt.page("text")
        assert lent == [True]
        assert not typist.prompt.editing
        await typist.press("x", lambda: typist.glass.rows == ["> x", " ● connected ·"])
