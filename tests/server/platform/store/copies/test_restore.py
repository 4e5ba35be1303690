"""A backup replaces the data completely or not at all, and nothing is thrown away."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest

from chatty.server.business.entries import CreateRoom, Post
from chatty.server.platform.store import disk, doctor
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.copies.restore import Restored, restore
from chatty.server.platform.store.data_directory import DATABASE, locked
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.schema import MIGRATIONS
from chatty.server.settings import SettingError
from tests.server.platform.conftest import AT, OWNER, ROOM
from tests.server.principals import speaker
from tests.support.old_data import take_back
from tests.support.server import PATIENCE, ROOT, environment


def opened(database: Path) -> Store:
    def fail(error: BaseException) -> None:
        raise error

    store = Store(database, on_error=fail)
    store.open()
    return store


def say(store: Store, text: str) -> None:
    store.apply([Post(ROOM, AT, speaker("Ada", b"a" * 16), text)])


def asked(database: Path, question: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as db:
        return [value for (value,) in db.execute(question)]


def texts(database: Path) -> list[str]:
    return asked(database, "SELECT json_extract(CAST(body AS TEXT), '$.text') FROM events ORDER BY key")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A server's data after a crash: the last messages are only in the WAL."""
    running = tmp_path / "running"
    with locked(running), closing(opened(running / DATABASE)) as store:
        store.apply([CreateRoom(room, AT, "A room", "", "epoch", OWNER) for room in (ROOM, "another")])
        say(store, "one")
        with closing(sqlite3.connect(store.path)) as db:
            db.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
        say(store, "two")
        (running / "search.db").write_bytes(b"an index")
        shutil.copytree(running, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def backup(data: Path) -> Path:
    return data.with_name("backup.db")


def test_the_backup_is_restored_with_new_epochs_and_the_previous_data_is_kept(data: Path, backup: Path) -> None:
    assert restore(backup, data) == Restored(2, data / "replaced-1")
    database, before = data / DATABASE, data / "replaced-1" / DATABASE
    assert sorted(file.name for file in data.iterdir()) == ["chatty.db", "lock", "replaced-1"]
    assert S_IMODE(database.stat().st_mode) == 0o600
    assert doctor.check(data) == doctor.check(data / "replaced-1") == []
    assert (texts(database), texts(before)) == (["one"], ["one", "two"])
    epochs = asked(database, "SELECT epoch FROM rooms")
    assert len({*epochs, "epoch"}) == 3
    assert all(len(epoch) == 16 for epoch in epochs)
    with closing(opened(database)) as store:
        say(store, "another two")
    assert texts(database) == ["one", "another two"]


def test_a_restored_backup_can_be_taken_back(data: Path, backup: Path) -> None:
    restore(backup, data)
    assert restore(data / "replaced-1" / DATABASE, data) == Restored(2, data / "replaced-2")
    assert texts(data / DATABASE) == ["one", "two"]
    assert texts(data / "replaced-2" / DATABASE) == ["one"]


def test_a_backup_goes_into_a_new_directory_and_stays_as_it_is(tmp_path: Path, backup: Path) -> None:
    before = backup.read_bytes()
    assert restore(backup, tmp_path / "new" / "data") == Restored(2, None)
    assert texts(tmp_path / "new" / "data" / DATABASE) == ["one"]
    assert backup.read_bytes() == before
    assert S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o700


def test_damaged_data_is_replaced_as_well_and_kept_as_it_is(data: Path, backup: Path) -> None:
    cut(data / DATABASE)
    damaged = (data / DATABASE).read_bytes()
    restore(backup, data)
    assert texts(data / DATABASE) == ["one"]
    assert (data / "replaced-1" / DATABASE).read_bytes() == damaged


def test_data_in_use_is_left_alone(data: Path, backup: Path) -> None:
    with locked(data), pytest.raises(SettingError):
        restore(backup, data)
    assert texts(data / DATABASE) == ["one", "two"]


def cut(backup: Path) -> None:
    with backup.open("r+b") as file:
        file.truncate(backup.stat().st_size - 100)


def overwrite(backup: Path) -> None:
    with backup.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def confuse(backup: Path) -> None:
    with backup.open("r+b") as file:
        file.seek(16)
        file.write(b"\0\3")  # the size of a page


def changed_by(script: str) -> Callable[[Path], None]:
    def change(backup: Path) -> None:
        with closing(sqlite3.connect(backup)) as db:
            db.executescript(script)

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        cut,
        confuse,
        overwrite,
        lambda backup: backup.write_bytes(b""),
        lambda backup: backup.write_text("a text"),
        changed_by("DELETE FROM events; UPDATE rooms SET first = 2; INSERT INTO events VALUES (1 << 32, 0, NULL, 'x')"),
        changed_by(f"PRAGMA user_version = {len(MIGRATIONS) + 1}"),
        changed_by("PRAGMA application_id = 7"),
    ],
    ids=["cut", "confused", "overwritten", "empty", "text", "unsound", "newer", "foreign"],
)
def test_a_backup_that_is_none_is_refused_and_nothing_has_changed(
    data: Path, backup: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(backup)
    before = {file: file.read_bytes() for file in data.iterdir()}
    with pytest.raises(StoreError) as refused:
        restore(backup, data)
    assert str(refused.value).startswith(f"{backup} can't be restored: ")
    assert refused.value.hint == "choose another one; nothing was changed"
    assert {file: file.read_bytes() for file in data.iterdir()} == before


def test_a_backup_that_is_not_there_is_missed(data: Path, backup: Path) -> None:
    backup.unlink()
    with pytest.raises(StoreError, match=f"^there is no backup {backup}$"):
        restore(backup, data)


def test_a_full_disk_is_not_blamed_on_the_backup(data: Path, backup: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (backup.stat().st_size // 2, hard))
    try:
        with pytest.raises(StoreError) as refused:
            restore(backup, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "free some space" in refused.value.hint


def test_a_backup_of_an_older_chatty_is_as_good(data: Path, backup: Path) -> None:
    take_back(backup, to=1)
    restore(backup, data)
    with closing(opened(data / DATABASE)) as store:
        say(store, "two")
    assert texts(data / DATABASE) == ["one", "two"]
    assert doctor.check(data) == []


REFUSED = """
import errno, os, sys
from pathlib import Path
from chatty.server.platform.store import disk
from chatty.server.platform.store.copies import restore

def refuse(*_):
    raise OSError(errno.EPERM, "Operation not permitted")

really = os.fsync

def sync(descriptor):
    if os.path.isdir(f"/proc/self/fd/{descriptor}"):
        raise OSError(errno.EINVAL, "Invalid argument")
    really(descriptor)

restore.os.chown, restore.os.geteuid, disk.os.fsync = refuse, lambda: 0, sync
print(restore.restore(Path(sys.argv[1]), Path(sys.argv[2])).warning)
"""


def test_an_optional_feature_that_a_file_system_refuses_is_reported(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", REFUSED, str(tmp_path / "backup.db"), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, env=environment())
    owner = f"user {data.stat().st_uid} (operation not permitted)"
    assert done.stdout == f"{data / DATABASE} is root's, and can't be given to {owner}\n", done.stderr
    assert texts(data / DATABASE) == ["one"]


def test_on_macos_a_file_is_synced_past_the_drives_cache(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_syncs: list[int] = []
    monkeypatch.setattr(disk, "_FULL_SYNC", 51)  # its number there; to Linux it means nothing
    monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, command: full_syncs.append(command))
    disk.sync(data / DATABASE)
    assert full_syncs == [51]


def test_where_the_full_sync_is_refused_the_plain_one_is_done(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(disk, "_FULL_SYNC", 51)
    monkeypatch.setattr(os, "fsync", synced.append)
    disk.sync(data / DATABASE)
    assert len(synced) == 1
