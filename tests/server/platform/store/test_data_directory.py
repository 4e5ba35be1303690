"""A data directory: one user at a time, and nobody else's to read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from chatty.server.platform.store.data_directory import locked
from chatty.server.settings import SettingError
from tests.support.server import Server


def test_data_is_private_in_any_directory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    with Server(data) as server:
        room = server.make_room()["id"]
        server.ask("GET", f"/v1/rooms/{room}/events?q=anything")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in data.iterdir()}
    assert {"chatty.db", "chatty.db-wal", "search.db", "lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(data.stat().st_mode) == 0o755


def test_a_directory_has_one_user_and_other_files_have_the_usual_mode(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with locked(tmp_path / "data"):
            with pytest.raises(SettingError, match="another server"), locked(tmp_path / "data"):
                pass
        (tmp_path / "another").touch()
        assert stat.S_IMODE((tmp_path / "another").stat().st_mode) == 0o644
        with locked(tmp_path / "data"):
            pass
    finally:
        os.umask(before)
