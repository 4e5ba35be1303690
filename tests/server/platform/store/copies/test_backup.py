"""A backup is of one moment, sound, private, and there as a whole or not at all; the server writes on meanwhile."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from stat import S_IMODE
from tempfile import gettempdir

import pytest

from chatty.server.business.entries import CreateRoom, Post
from chatty.server.platform.store import disk, doctor
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.copies import backup as backups
from chatty.server.platform.store.copies.backup import Backup, back_up
from chatty.server.platform.store.copies.restore import restore
from chatty.server.platform.store.data_directory import DATABASE, locked
from chatty.server.platform.store.errors import StoreError
from chatty.server.settings import SettingError
from tests.server.platform.conftest import AT, OWNER, ROOM
from tests.server.platform.store.copies.test_restore import opened, say, texts
from tests.server.principals import speaker


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    """A server's store while it runs."""
    with locked(data), closing(opened(data / DATABASE)) as store:
        store.apply([CreateRoom(room, AT, "A room", "", "epoch", OWNER) for room in (ROOM, "another")])
        say(store, "one")
        yield store


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "chatty.db"


def test_all_that_is_committed_is_in_one_private_file(data: Path, store: Store, target: Path) -> None:
    made = back_up(data, target)
    assert made == Backup(2, target.stat().st_size)
    say(store, "two")
    assert texts(target) == ["one"]
    assert doctor.examine(target) == []
    assert S_IMODE(target.stat().st_mode) == 0o600
    assert [file.name for file in target.parent.iterdir()] == [target.name]


def test_a_backup_can_be_restored(data: Path, store: Store, target: Path, tmp_path: Path) -> None:
    back_up(data, target)
    assert restore(target, tmp_path / "elsewhere").rooms == 2
    assert texts(tmp_path / "elsewhere" / DATABASE) == ["one"]


def test_data_of_a_stopped_server_is_backed_up_too_and_left_as_it_is(data: Path, target: Path) -> None:
    with locked(data), closing(opened(data / DATABASE)) as store:
        store.apply([CreateRoom(ROOM, AT, "A room", "", "epoch", OWNER)])
    before = {file: file.read_bytes() for file in data.iterdir()}
    assert back_up(data, target).rooms == 1
    assert {file: file.read_bytes() for file in data.iterdir()} == before


def test_a_backup_is_of_one_moment_while_the_server_writes(
    data: Path, store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.apply([Post(ROOM, AT, speaker("Ada", b"a" * 16), f"{number} ".ljust(1_000, "x")) for number in range(500)])
    before = texts(data / DATABASE)
    meanwhile: list[str] = []

    def write(*_: int) -> None:
        assert len(meanwhile) < 1_000, "it begins again with every write, and never ends"
        meanwhile.append("meanwhile")
        say(store, "meanwhile")

    monkeypatch.setattr(backups, "PAGES", 20)
    monkeypatch.setattr(backups, "_between_steps", write)
    back_up(data, target)
    assert len(meanwhile) > 5
    assert texts(target) == before
    assert texts(data / DATABASE) == before + meanwhile
    assert doctor.examine(target) == []


def test_afterwards_nothing_holds_the_write_ahead_log(data: Path, store: Store, target: Path) -> None:
    back_up(data, target)
    say(store, "two")
    with closing(sqlite3.connect(data / DATABASE)) as db:
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def test_the_check_reads_the_copy_and_not_the_data(
    data: Path, store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined = []

    def examine(database: Path) -> list[str]:
        examined.append(database)
        with closing(sqlite3.connect(data / DATABASE)) as db:  # nobody reads the data any more
            assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        return []

    monkeypatch.setattr(backups, "examine", examine)
    back_up(data, target)
    assert [database.parent for database in examined] == [target.parent]


# --- what is refused ----------------------------------------------------------------------------------------


def test_what_is_there_is_replaced_only_if_that_is_meant(data: Path, store: Store, target: Path) -> None:
    target.write_text("mine")
    with pytest.raises(SettingError, match="already exists") as refused:
        back_up(data, target)
    assert refused.value.hint == "choose another name, or replace it with --force"
    assert target.read_text() == "mine"
    back_up(data, target, replace=True)
    assert texts(target) == ["one"]
    assert S_IMODE(target.stat().st_mode) == 0o600


def test_what_has_come_there_meanwhile_is_not_replaced(
    data: Path, store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def examine(_: Path) -> list[str]:
        target.write_text("mine")
        return []

    monkeypatch.setattr(backups, "examine", examine)
    with pytest.raises(SettingError, match="already exists"):
        back_up(data, target)
    assert target.read_text() == "mine"
    assert [file.name for file in target.parent.iterdir()] == [target.name]


def test_a_file_system_without_links_will_do(
    data: Path, store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    back_up(data, target)
    assert texts(target) == ["one"]
    with pytest.raises(SettingError, match="already exists"):
        back_up(data, target)


@pytest.mark.parametrize("name", ["chatty.db", "chatty.db-wal", "chatty.db-shm", "search.db", "lock"])
def test_the_data_itself_is_never_replaced(data: Path, store: Store, name: str) -> None:
    with pytest.raises(SettingError, match="is part of the data itself"):
        back_up(data, data / "." / ".." / data.name / name, replace=True)
    say(store, "two")
    assert texts(data / DATABASE) == ["one", "two"]


def test_a_place_where_no_file_can_be_is_refused(data: Path, store: Store, tmp_path: Path) -> None:
    for place, what in (
        (tmp_path, "is a directory"),
        (tmp_path / "nowhere" / "x.db", "cannot be written"),
        (Path("/dev/null"), "is not a file"),
    ):
        with pytest.raises(SettingError, match=what):
            back_up(data, place, replace=True)


def test_without_data_there_is_no_backup(tmp_path: Path, target: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no chatty\.db in"):
        back_up(tmp_path / "nowhere", target)
    assert not target.exists()


def test_damaged_data_gives_no_backup_and_leaves_the_last_one(data: Path, store: Store, target: Path) -> None:
    back_up(data, target)
    last = target.read_bytes()
    with closing(sqlite3.connect(data / DATABASE)) as db:
        db.execute("INSERT INTO events VALUES ((SELECT max(key) + 7 FROM events), 0, NULL, 'x')")
        db.commit()
    with pytest.raises(StoreError, match="is not sound: room 'A room'"):
        back_up(data, target, replace=True)
    assert target.read_bytes() == last
    assert [file.name for file in target.parent.iterdir()] == [target.name]


def test_a_full_disk_is_the_targets_and_leaves_nothing_behind(data: Path, store: Store, target: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((data / DATABASE).stat().st_size // 2, hard))
    try:
        with pytest.raises(StoreError, match="cannot be written") as refused:
            back_up(data, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused.value.hint == "free some space there, or choose another disk"
    assert list(target.parent.iterdir()) == []


def test_it_is_there_only_when_it_is_on_the_disk(
    data: Path, store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []

    def sync(path: Path) -> None:
        synced.append(("file" if path.is_file() else "directory", target.exists()))
        disk.sync(path)

    monkeypatch.setattr(backups, "sync", sync)
    back_up(data, target)
    assert synced == [("file", False), ("directory", True)]


def test_who_may_only_read_the_data_can_back_it_up(data: Path, store: Store, tmp_path: Path) -> None:
    """As another user where tests run as root, who may write everything."""
    for file in data.iterdir():
        file.chmod(0o444)
    place = tmp_path / "theirs"
    place.mkdir()
    place.chmod(0o777)
    for closed in (tmp_path, *takewhile(lambda parent: parent != Path(gettempdir()), tmp_path.parents)):
        closed.chmod(0o755)  # pytest's directories are its user's alone
    data.chmod(0o555)
    child = os.fork()
    if not child:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            status = 0 if back_up(data, place / "backup.db").rooms == 2 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert texts(place / "backup.db") == ["one"]
    data.chmod(0o755)
