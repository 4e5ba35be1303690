"""Changes of config.toml: nothing of what people wrote there is lost."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chatty.cli.failures import Failure
from chatty.cli.join.settings.writing import write
from tests.support.server import PATIENCE, ROOT, environment

TEXT = """# mine
[profile.work] # at work
server = "https://x"   # the server

[join]
# calm
joins = "all"  # for now
ignore = [
  "Eve",  # spam
  "Bob",
]

[profile.home]
server = "y"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(TEXT)
    return file


def test_only_the_value_changes_and_comments_and_order_stay(file: Path) -> None:
    write(file, ("join",), "joins", "none")
    assert file.read_text() == TEXT.replace('"all"', '"none"')


def test_a_list_keeps_the_comments_of_what_stays(file: Path) -> None:
    write(file, ("join",), "ignore", ("Eve", "Carol, B."))
    assert file.read_text() == TEXT.replace('"Bob"', '"Carol, B."')
    write(file, ("join",), "ignore", ("Carol, B.",))
    assert tomllib.loads(file.read_text())["join"]["ignore"] == ["Carol, B."]


def test_a_new_table_stands_with_its_like_and_apart_from_others(file: Path) -> None:
    write(file, ("profile", "work", "join"), "time", "")
    new = '[profile.work.join]\ntime = ""\n\n'
    assert file.read_text() == TEXT.replace("[join]", f"{new}[join]")
    write(file, ("join", "room", "a b"), "bell", "all")
    assert '"Bob",\n]\n\n[join.room."a b"]\nbell = "all"\n\n[profile.home]' in file.read_text()


def test_what_is_taken_back_is_gone_and_what_was_never_there_changes_nothing(file: Path) -> None:
    write(file, ("join",), "joins", None)
    assert file.read_text() == TEXT.replace('joins = "all"  # for now\n', "")
    written = file.stat().st_ino
    write(file, ("join", "room", "general"), "joins", None)
    assert file.stat().st_ino == written


def test_the_first_setting_makes_the_file_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.toml"
    write(file, ("join",), "joins", "none")
    assert file.read_text() == '[join]\njoins = "none"\n'
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ['a"b', "a.b", "", "]\n[profile.x]\nserver = 'evil'", "\x1b\x00", "日本", "a\\"])
def test_a_rooms_name_is_a_key_and_nothing_more(file: Path, name: str) -> None:
    write(file, ("join", "room", name), "notify", 'say "x" \\ #')
    config = tomllib.loads(file.read_text())
    assert config["join"]["room"] == {name: {"notify": 'say "x" \\ #'}}
    assert set(config["profile"]) == {"work", "home"}


def test_a_symbolic_link_stays_one_and_its_target_changes(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "home" / "config.toml"
    link.parent.mkdir()
    link.symlink_to("../config.toml")
    write(link, ("join",), "joins", "none")
    assert link.is_symlink()
    assert 'joins = "none"' in file.read_text()


@pytest.mark.parametrize(
    "text",
    [
        'join = {bell = "all"}\n',
        'join.room.general.bell = "all"\nz = 1\n',
        '[join.room.x]\r\nbell = "all"\r\n',
        "# no end",
    ],
)
def test_a_file_in_another_style_keeps_it(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    write(file, ("join", "room", "general"), "joins", "none")
    assert tomllib.loads(file.read_bytes().decode())["join"]["room"]["general"]["joins"] == "none"
    assert '"all"' in file.read_text() or text == "# no end"


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("[join", ("join",), "config.toml: Expected ']'"),
        ("join = 3\n", ("join",), "[join] in config.toml is not a table"),
        ("[join]\nroom = 3\n", ("join", "room", "x"), "[join.room.x] in config.toml is not a table"),
        # Where a table behind a dotted key would take the keys that follow, tomlkit writes just that.
        ("join.bell = 'all'\nz = 1\n", ("join", "room", "x"), "can't be changed without damage"),
    ],
)
def test_a_file_that_is_broken_or_would_be_stays_as_it_is(
    file: Path, text: str, path: tuple[str, ...], told: str
) -> None:
    file.write_text(text)
    with pytest.raises(Failure) as failure:
        write(file, path, "joins", "none")
    assert told in failure.value.message
    assert file.read_text() == text


def test_two_writers_at_once_lose_nothing(file: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from chatty.cli.join.settings.writing import write\n"
        "for number in range(20): write(Path(sys.argv[1]), ('join', 'room', f'{sys.argv[2]}-{number}'), 'time', '')"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(file), name], cwd=ROOT, env=environment())
        for name in ("ada", "bob")
    ]
    assert [writer.wait(PATIENCE) for writer in writers] == [0, 0]
    assert len(tomllib.loads(file.read_text())["join"]["room"]) == 40
