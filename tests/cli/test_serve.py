"""`serve` takes the server's settings as options and variables; `doctor` looks at what it left."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from chatty.server.settings import SETTINGS
from tests.cli.user import User
from tests.support.server import PATIENCE, Server, free_port


def test_every_setting_is_an_option_and_a_variable(user: User) -> None:
    words = " ".join(user.says("serve", "--help", env={**user.env, "COLUMNS": "400"}).split())
    for setting in SETTINGS:
        assert f"--{setting.name.replace('_', '-')} " in words
        assert re.search(rf"env: CHATTY_{setting.name.upper()}[;\]]", words)
        assert setting.help in words


def test_options_go_before_variables_and_rooms_are_made_once(user: User, tmp_path: Path) -> None:
    port = free_port()
    env = {**user.env, "CHATTY_PORT": "1", "CHATTY_DATA": str(tmp_path / "data"), "CHATTY_ROOM_RATE": "0.5"}
    said = []
    for _ in range(2):
        serving = user.start("serve", "--port", str(port), "--room", "lobby", "--room", "deploys", env=env)
        assert serving.stderr is not None
        said.append([serving.stderr.readline().decode() for _ in range(3)])
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(PATIENCE) == 0
    assert f"http://127.0.0.1:{port}" in said[0][0]
    assert (tmp_path / "data").is_dir()
    assert said[0] == said[1]
    assert "lobby" in said[0][1]
    assert "deploys" in said[0][2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "many"], "'many' is no whole number"),
        (["--message-rate", "fast"], "'fast' is no number"),
        (["--host", "0.0.0.0"], "--access"),
        (["--retain-age", "long"], "'long' is no length of time"),
    ],
)
def test_a_setting_that_cannot_be_is_wrong_usage(user: User, tmp_path: Path, arguments: list[str], told: str) -> None:
    assert told in user.fails(2, "serve", "--data", str(tmp_path / "data"), *arguments)


def test_a_second_server_on_the_same_data_is_refused(user: User, own_server: Server) -> None:
    said = user.fails(2, "serve", "--port", "0", "--data", str(own_server.data))
    assert said.startswith("error: ")
    assert str(own_server.data) in said


def test_doctor_finds_sound_data_sound_and_damaged_data_damaged(user: User, own_server: Server) -> None:
    room = own_server.make_room()["id"]
    user.run("send", room, "--server", own_server.url, said=b"hello\n" * 5_000)
    own_server.stop()
    data = own_server.data
    assert user.says("doctor", str(data)) == f"{data} is sound\n"
    database = data / "chatty.db"
    whole = database.read_bytes()
    middle = len(whole) // 2
    database.write_bytes(whole[:middle] + b"\x55" * 4096 + whole[middle + 4096 :])
    assert user.run("doctor", str(data), status=1).stdout
    assert user.run("doctor", str(data / "nowhere"), status=1).stdout
