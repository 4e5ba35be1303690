"""A shell completes what is known on this machine, quickly, and hands over exactly the names that people gave."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pexpect
import pytest

from chatty.cli.app import COMMANDS, command_group
from chatty.cli.completion.shells import in_bash, offers, parse
from chatty.cli.environment import Environment
from chatty.cli.room_list import KnownRoom, remember
from tests.cli.conftest import MakeEnvironment
from tests.support.server import PATIENCE, ROOT, environment

SHELLS = ("bash", "zsh", "fish")
BREAKS = " \t\n\"'@><=;|&(:"
NAMES = (
    "deploys",
    "dinner party",
    "größe",
    "ops: web",
    "what's up?",
    'a"b',
    "$(touch pwned)",
    "~x",
    "-dash",
    "back\\s",
)


def know(env: Environment, *names: str) -> None:
    for number, name in enumerate(names):
        remember(env, KnownRoom(f"{number:027}", name, "http://127.0.0.1:9"))


@pytest.fixture
def env(make_environment: MakeEnvironment) -> Environment:
    made = make_environment()
    know(made, *NAMES)
    return made


def offered(env: Environment, line: str) -> list[str] | None:
    found = offers(env, command_group(), parse(line))
    start = parse(line).word
    return None if found is None else [offer.word for offer in found if offer.word.startswith(start)]


def test_commands_are_completed(env: Environment) -> None:
    assert sorted(offered(env, "chatty se") or []) == ["send", "serve"]
    assert {name.split()[0] for name in COMMANDS} <= set(offered(env, "chatty ") or [])
    assert offered(env, "chatty token re") == ["revoke"]
    assert offered(env, "chatty token create --can p") == ["post"]
    assert offered(env, "chatty role deploys Bob mod") == ["moderator"]
    assert offered(env, "chatty --ver") == ["--version"]


def test_options_are_completed_and_not_twice(env: Environment) -> None:
    assert offered(env, "chatty tail deploys --c") == ["--count", "--cursor", "--cacert"]
    assert offered(env, "chatty tail deploys --count 3 --c") == ["--cursor", "--cacert"]
    assert offered(env, "chatty tail --no-f") == ["--no-follow"]
    assert offered(env, "chatty serve --room a --room") == ["--room-rate", "--room-members", "--room"]


def test_commands_are_completed_where_help_on_one_is_wanted(env: Environment) -> None:
    assert sorted(offered(env, "chatty help se") or []) == ["send", "serve"]
    assert offered(env, "chatty help send ") == []
    assert offered(env, "chatty help --h") == ["--help"]


def test_open_rooms_are_completed_where_a_room_is_wanted(env: Environment) -> None:
    remember(env, KnownRoom("x" * 27, "done", "http://127.0.0.1:9", ends_at=env.now() - 1))
    assert offered(env, "chatty tail d") == ["deploys", "dinner party"]
    assert offered(env, "chatty send --key d d") == ["deploys", "dinner party"]
    assert offered(env, "chatty send --name=x d") == ["deploys", "dinner party"]
    assert offered(env, "chatty send deploys d") == []
    assert offered(env, "chatty create d") == []


def test_each_of_several_rooms_is_completed_and_not_twice(env: Environment) -> None:
    assert offered(env, "chatty join deploys d") == ["dinner party"]
    assert offered(env, "chatty join größe --name d d") == ["deploys", "dinner party"]
    assert offered(env, "chatty join deploys 'dinner party' o") == ["ops: web"]


def test_a_room_that_looks_like_an_option_is_offered_only_behind_the_dashes(env: Environment) -> None:
    assert "-dash" not in (offered(env, "chatty who ") or [])
    assert offered(env, "chatty who -- -d") == ["-dash"]


def test_servers_profiles_and_shells_are_completed(env: Environment) -> None:
    env.config_directory.mkdir(parents=True)
    (env.config_directory / "config.toml").write_text("[profile.work]\n[profile.home]\n")
    assert offered(env, "chatty who --server ") == ["http://127.0.0.1:9"]
    assert offered(env, "chatty who --server=h") == ["--server=http://127.0.0.1:9"]
    assert offered(env, "chatty who --profile ") == ["home", "work"]
    assert offered(env, "chatty completion ") == list(SHELLS)
    assert offered(env, "chatty join --bell ") == ["mention", "all", "off"]


def test_files_are_left_to_the_shell(env: Environment) -> None:
    for line in ("chatty tail x --cursor ", "chatty tail x --cursor=st", "chatty serve --data /v", "chatty doctor "):
        assert offered(env, line) is None, line


def test_nothing_is_offered_where_nothing_is_known(env: Environment) -> None:
    for line in ("chatty sned ", "chatty rooms x", "chatty tail x -n ", "chatty who x y z"):
        assert offered(env, line) == [], line


@pytest.mark.parametrize(
    ("line", "words", "word", "kept"),
    [
        ("chatty who dinner\\ p", ["chatty", "who"], "dinner p", ""),
        ('chatty who "dinner p', ["chatty", "who"], "dinner p", ""),
        ("chatty who 'dinner p", ["chatty", "who"], "dinner p", ""),
        ("chatty who 'it'\\''s", ["chatty", "who"], "it's", "it'"),
        ('chatty who "a\\"\\x', ["chatty", "who"], 'a"\\x', ""),
        ("chatty who x\\", ["chatty", "who"], "x", ""),
        ("chatty who ''  ", ["chatty", "who", ""], "", ""),
        ("chatty who --server=http://h:9", ["chatty", "who"], "--server=http://h:9", "--server=http://h:"),
        ('chatty who --server="http://h', ["chatty", "who"], "--server=http://h", "--server="),
        ('chatty who "a:b"c', ["chatty", "who"], "a:bc", ""),
    ],
)
def test_a_half_typed_line_is_read_as_the_shell_reads_it(line: str, words: list[str], word: str, kept: str) -> None:
    parsed = parse(line, breaks=BREAKS)
    assert (parsed.words, parsed.word, parsed.kept) == (words, word, kept)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("opening", ["", '"', "'"])
def test_what_bash_inserts_is_the_name_again(name: str, opening: str) -> None:
    written = in_bash(name, parse(f"chatty who {opening}", breaks=BREAKS))
    assert written is not None
    said = subprocess.run(["bash", "-c", f"printf %s {opening}{written}{opening}"], capture_output=True, check=True)
    assert said.stdout.decode() == name


def ask(home: Path, shell: str, line: str) -> str:
    """What the command itself answers a shell."""
    variables = environment(HOME=str(home), XDG_STATE_HOME=str(home / "state"), _CHATTY_COMPLETE=shell)
    command = [sys.executable, "-m", "chatty", line, BREAKS]
    return subprocess.run(command, env=variables, capture_output=True, check=True, timeout=PATIENCE).stdout.decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    env = Environment(
        environ={},
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        directories=(place / "config" / "chatty", place / "state" / "chatty"),
    )
    know(env, *NAMES, "evil\x1b[2J", "two\nlines", "hidden\u202e")
    return place


def test_names_that_would_drive_a_terminal_are_not_offered(home: Path) -> None:
    for shell in SHELLS:
        said = ask(home, shell, "chatty who ")
        assert "=deploys\n" in said
        assert not any(hidden in said for hidden in ("\x1b", "evil", "two", "hidden")), shell


def test_zsh_and_fish_also_get_what_a_word_means(home: Path) -> None:
    assert ask(home, "zsh", "chatty tail --co") == "=--count:Exit after N events.\n"
    assert ask(home, "fish", "chatty tail --co") == "=--count\tExit after N events.\n"
    assert ask(home, "zsh", "chatty who ops") == "=ops\\: web\n"
    assert ask(home, "fish", "chatty who ops") == "=ops: web\n"
    assert ask(home, "zsh", "chatty doctor ") == "files\n"


def test_another_shell_is_refused(home: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "chatty", "completion", "tcsh"], capture_output=True)
    assert done.returncode == 2
    assert b"'tcsh' is not one of bash, zsh, fish" in done.stderr


def test_completing_needs_neither_network_nor_screen(home: Path) -> None:
    variables = environment(HOME=str(home), _CHATTY_COMPLETE="bash", PYTHONPROFILEIMPORTTIME="1")
    for line in ("chatty who d", "chatty tail --", "chatty "):
        command = [sys.executable, "-m", "chatty", line, BREAKS]
        done = subprocess.run(command, env=variables, capture_output=True, check=True, timeout=PATIENCE)
        imported = {entry.rpartition("|")[2].strip() for entry in done.stderr.decode().splitlines()}
        assert not imported & {"aiohttp", "asyncio", "prompt_toolkit", "pydantic", "rich", "sqlite3"}, line


@pytest.fixture
def variables(home: Path) -> dict[str, str]:
    """For shells whose ``chatty`` completes as the real one, and shows its arguments when it is run."""
    programs = home / "bin"
    programs.mkdir()
    stand_in = programs / "chatty"
    stand_in.write_text(
        f"#!/bin/sh\n"
        f'[ -z "$_CHATTY_COMPLETE" ] || exec {sys.executable} -m chatty "$@"\n'
        f"printf '<<'; printf '%s|' \"$@\"; printf '>>\\n'\n"
    )
    stand_in.chmod(0o755)
    return environment(
        HOME=str(home),
        XDG_STATE_HOME=str(home / "state"),
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=str(ROOT),
        TERM="dumb",
        LC_ALL="C.UTF-8",
    )


@cache
def script_of(shell: str) -> str:
    command = [sys.executable, "-m", "chatty", "completion", shell]
    return subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE).stdout.decode()


PROMPT = "@@ "
BEGINNINGS = {
    "bash": (
        ("--norc", "--noprofile", "-i"),
        "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; set +H; source ./script",
    ),
    "zsh": (
        ("-f", "-i"),
        "unsetopt beep prompt_sp; unset zle_bracketed_paste; autoload -Uz compinit; compinit -D -u; source ./script",
    ),
    "zsh that finds the script by itself": (
        ("-f", "-i"),
        "unsetopt beep prompt_sp; unset zle_bracketed_paste; mkdir functions; mv script functions/_chatty; "
        "fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -D -u",
    ),
}


class Shell:
    """A real, interactive bash or zsh."""

    def __init__(self, how: str, home: Path, variables: dict[str, str]) -> None:
        arguments, beginning = BEGINNINGS[how]
        name = how.split()[0]
        (home / "script").write_text(script_of(name))
        program = shutil.which(name)
        assert program is not None, f"the tests need {name}; see CONTRIBUTING.md"
        self._child = pexpect.spawn(
            program,
            list(arguments),
            env=variables,
            cwd=str(home),
            dimensions=(40, 500),
            encoding="utf-8",
            timeout=PATIENCE,
        )
        self._child.sendline(f"{beginning}; PS1='@''@ '")  # the prompt, and not the echo of this line, is "@@ "

    def runs(self, typed: str) -> list[str]:
        """The arguments with which ``typed``, where ``\\t`` is the Tab key, runs the command."""
        self.types(f"{typed}\n")
        self._child.expect(r"<<(.*?)\|>>\r\n")
        match = self._child.match
        assert isinstance(match, re.Match)
        arguments: list[str] = match[1].split("|")
        return arguments

    def types(self, typed: str) -> None:
        self._child.expect_exact(PROMPT)  # what is typed before it, zsh does not complete
        self._child.send(typed)

    def shows(self, text: str) -> None:
        """Returns when ``text`` has come on the screen, below what has before."""
        self._child.expect_exact(text)

    def close(self) -> None:
        self._child.close(force=True)


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, home: Path, variables: dict[str, str]) -> Iterator[Shell]:
    started = Shell(request.param, home, variables)
    yield started
    started.close()


@pytest.mark.parametrize("shell", BEGINNINGS, indirect=True)
def test_all_rooms_are_listed(shell: Shell) -> None:
    shell.types("chatty jo\t\t\t")
    for shown in ("join", "deploys", "dinner", "größe", "ops"):
        shell.shows(shown)


def test_names_are_completed_however_they_are_quoted(shell: Shell, home: Path) -> None:
    for typed, name in [
        ("chatty who dep\t", "deploys"),
        ("chatty who din\t", "dinner party"),
        ("chatty who dinner\\ p\t", "dinner party"),
        ('chatty who "din\t', "dinner party"),
        ("chatty who 'din\t", "dinner party"),
        ("chatty who 'dinner p\t", "dinner party"),
        ("chatty who gr\t", "größe"),
        ("chatty who größ\t", "größe"),
        ("chatty who op\t", "ops: web"),
        ("chatty who ops:\t", "ops: web"),
        ("chatty who wh\t", "what's up?"),
        ('chatty who "wh\t', "what's up?"),
        ("chatty who 'wh\t", "what's up?"),
        ("chatty who a\t", 'a"b'),
        ('chatty who "a\t', 'a"b'),
        ("chatty who ba\t", "back\\s"),
        ("chatty who \\~\t", "~x"),
    ]:
        assert shell.runs(typed) == ["who", name], typed
    assert shell.runs("chatty who \\$\t") == ["who", "$(touch pwned)"]
    assert not (home / "pwned").exists()


def test_commands_options_values_and_files_are_completed(shell: Shell, home: Path) -> None:
    (home / "state-file").write_text("")
    (home / "a file").write_text("")
    for typed, arguments in [
        ("chatty ta\t dep\t --no-f\t", ["tail", "deploys", "--no-follow"]),
        ("chatty compl\t f\t", ["completion", "fish"]),
        ("chatty who deploys --server \t", ["who", "deploys", "--server", "http://127.0.0.1:9"]),
        ("chatty who deploys --server=\t", ["who", "deploys", "--server=http://127.0.0.1:9"]),
        ("chatty who deploys --server=http:\t", ["who", "deploys", "--server=http://127.0.0.1:9"]),
        ("chatty tail deploys --cursor state-\t", ["tail", "deploys", "--cursor", "state-file"]),
        ("chatty tail deploys --cursor=state-\t", ["tail", "deploys", "--cursor=state-file"]),
        ("chatty tail deploys --cursor a\t", ["tail", "deploys", "--cursor", "a file"]),
        ("true; X=1 chatty who dep\t", ["who", "deploys"]),
        ("chatty who dep deploys\x1bb\x02\t", ["who", "deploys", "deploys"]),
        ("chatty join dep\t din\t", ["join", "deploys", "dinner party"]),
    ]:
        assert shell.runs(typed) == arguments, typed


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("chatty jo", ["join"]),
        ("chatty join ", [name for name in NAMES if name != "-dash"]),
        ("chatty who dinner\\ p", ["dinner party"]),
        ('chatty who "din', ["dinner party"]),
        ("chatty who 'din", ["dinner party"]),
        ("chatty who 'what\\'s", ["what's up?"]),
        ("chatty send --key 'it\\'s one' din", ["dinner party"]),
        ("chatty who -- -", ["-dash"]),
        ("chatty tail deploys --no-f", ["--no-follow"]),
        ("chatty who deploys --server ", ["http://127.0.0.1:9"]),
        ("chatty who deploys --server=http:", ["--server=http://127.0.0.1:9"]),
        ("chatty tail deploys --cursor a", ["a file"]),
        ("chatty tail deploys --cursor=state-", ["--cursor=state-file"]),
        ("true; X=1 chatty who dep", ["deploys"]),
    ],
)  # fmt: skip
def test_fish_offers_what_fits(home: Path, variables: dict[str, str], line: str, offered: list[str]) -> None:
    for name in ("state-file", "a file", "script"):
        (home / name).write_text(script_of("fish") if name == "script" else "")
    command = ["fish", "--no-config", "-c", "source ./script; complete -C $argv", line]
    done = subprocess.run(command, env=variables, cwd=home, capture_output=True, check=True, timeout=PATIENCE)
    assert done.stderr == b""
    assert sorted(row.split("\t")[0] for row in done.stdout.decode().splitlines()) == sorted(offered)
