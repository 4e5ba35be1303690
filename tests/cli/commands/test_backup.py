"""`backup` copies a running server's data, says how much that is, and leaves nothing where it fails."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.cli.user import User
from tests.support.faults import eventually
from tests.support.server import PATIENCE, Server


def test_a_running_servers_data_is_copied_and_the_rooms_and_the_size_are_told(
    user: User, own_server: Server, tmp_path: Path
) -> None:
    room = own_server.make_room()["id"]
    user.run("send", room, "--server", own_server.url, said=b"line\n" * 1_000)
    target, data = tmp_path / "backup.db", own_server.data
    said = user.says("backup", str(target), "--data", str(data))
    assert said == f"backed up {data} to {target}, rooms: 1, bytes: {target.stat().st_size:,}\n"
    user.run("send", room, "one more", "--server", own_server.url)
    assert len(own_server.texts(room)) == 1_001


def test_the_data_may_be_named_by_the_servers_variable(user: User, own_server: Server, tmp_path: Path) -> None:
    env = {**user.env, "CHATTY_DATA": str(own_server.data)}
    assert "rooms: 0" in user.says("backup", "backup.db", env={**env, "PYTHONSAFEPATH": ""}, cwd=tmp_path)
    assert user.here.says("doctor", env=env) == f"{own_server.data} is sound\n"
    assert (tmp_path / "backup.db").exists()


def test_a_file_that_is_there_is_kept_unless_force_is_meant(user: User, own_server: Server, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    target.write_text("mine")
    arguments = ("backup", str(target), "--data", str(own_server.data))
    assert user.here.fails(2, *arguments) == (
        f"error: {target} already exists\nhint:  choose another name, or replace it with --force\n"
    )
    assert target.read_text() == "mine"
    assert "rooms: 0" in user.here.says(*arguments, "--force")


def test_without_data_it_fails_and_makes_nothing(user: User, tmp_path: Path) -> None:
    told = user.here.fails(1, "backup", str(tmp_path / "backup.db"), "--data", str(tmp_path / "nowhere"))
    assert re.match("error: there is no chatty.db in .*nowhere\nhint:  name the server's data directory", told)
    assert list(tmp_path.glob("*backup*")) == []


def test_a_signal_in_the_middle_leaves_nothing_behind(user: User, own_server: Server, tmp_path: Path) -> None:
    room = own_server.make_room()["id"]
    user.here.run("send", room, "--server", own_server.url, said=(b"x" * 16_000 + b"\n") * 1_500)
    place = tmp_path / "backups"
    place.mkdir()
    process = user.start("backup", str(place / "backup.db"), "--data", str(own_server.data))
    eventually(lambda: process.poll() is not None or any(file.stat().st_size for file in place.iterdir()), "it copies")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 143
    assert list(place.iterdir()) == []
