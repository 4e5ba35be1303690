"""What surrounds a command comes in from outside."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from chatty.cli.environment import Environment, ReaderGone
from tests.cli.conftest import MakeEnvironment


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "environ", "choice", "color"),
    [
        (True, {}, None, True),
        (False, {}, None, False),
        (True, {"TERM": "dumb"}, None, False),
        (True, {"NO_COLOR": "1"}, None, False),
        (True, {"NO_COLOR": ""}, None, True),
        (False, {"FORCE_COLOR": "1"}, None, True),
        (True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, None, False),
        (True, {"NO_COLOR": "1"}, True, True),
        (True, {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_colours_are_the_options_choice_then_the_variables_then_the_terminals(
    make_environment: MakeEnvironment, terminal: bool, environ: dict[str, str], choice: bool | None, color: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert make_environment(**environ).color(choice, stream) is color


def test_directories_are_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    env = Environment.of_process()
    assert env.config_directory == tmp_path / "c" / "chatty"
    assert env.state_directory == tmp_path / "s" / "chatty"


def test_a_line_that_nobody_reads_ends_the_command_but_not_one_about_it(make_environment: MakeEnvironment) -> None:
    class Broken(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    env = make_environment()
    broken = Environment(environ={}, stdin=env.stdin, stdout=Broken(), stderr=Broken())
    broken.err("hello")
    with pytest.raises(ReaderGone):
        broken.out("hello")
