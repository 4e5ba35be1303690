"""What surrounds a command comes in from outside."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from chatty.cli.config import Profile, load_profile
from chatty.cli.environment import Environment, ReaderGone
from tests.cli.conftest import MakeEnvironment
from tests.cli.user import User
from tests.support.server import Server


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


# A user without an entry in passwd, as containers have them; everything else is real.
NOBODY = """
import pwd
def nobody(uid): raise KeyError(uid)
pwd.getpwuid = nobody
from chatty.cli import main
main()
"""


@pytest.fixture
def homeless(server: Server, tmp_path: Path) -> User:
    user = User(tmp_path / "home", server.url, [sys.executable, "-c", NOBODY])
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        user.env.pop(name, None)
    return user


def test_nobody_needs_a_home_where_everything_is_named(homeless: User, tmp_path: Path) -> None:
    with homeless:
        assert homeless.says("--help").startswith("Usage: chatty")
        made = homeless.run("create", "deploys")
        room = made.stdout.decode().strip()
        assert b"warning: the room is not remembered" in made.stderr
        assert b"set HOME or XDG_STATE_HOME" in made.stderr
        homeless.run("send", room, "hello")
        assert [event["text"] for event in homeless.events(room, "-n", "1")] == ["hello"]
        assert homeless.says("history", room, "--format", "json")
        assert homeless.says("rooms") == ""
        serving = homeless.start("serve", "--port", "0", "--data", str(tmp_path / "data"))
        assert serving.stderr is not None
        assert b"keeps everything in" in serving.stderr.readline()


def test_without_a_home_it_is_said_what_has_to_be_named(homeless: User) -> None:
    with homeless:
        told = homeless.fails(2, "serve", "--port", "0")
        assert "invalid value for '--data'" in told
        assert "'~/.local/share/chatty': this user has no home directory; name a path without ~" in told
        assert homeless.fails(1, "who", "deploys", "--profile", "work") == (
            "error: this user has no home directory; set HOME or XDG_CONFIG_HOME\n"
        )
        assert not Path("~").exists()


def test_an_unreadable_home_is_no_reason_to_fail_unless_its_profile_is_asked_for(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    env = make_environment()
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root, as whom tests may run, can read everything
    assert load_profile(env, None) == Profile("default")
    assert isinstance(env.stderr, io.StringIO)
    config = env.config_directory / "config.toml"
    assert env.stderr.getvalue() == f"warning: {config} is not read (Permission denied)\n"
    with pytest.raises(PermissionError):
        load_profile(env, "work")
