"""`restore` puts a backup in the place of a stopped server's data, and says so in one line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.user import User
from tests.support.server import Server


def test_a_backup_of_a_running_server_is_restored_when_it_is_stopped(
    user: User, own_server: Server, tmp_path: Path
) -> None:
    data, backup = own_server.data, tmp_path / "backup.db"
    room = own_server.make_room()["id"]
    user.here.run("send", room, "before", "--server", own_server.url)
    user.here.run("backup", str(backup), "--data", str(data))
    user.here.run("send", room, "after", "--server", own_server.url)

    said = user.here.fails(2, "restore", str(backup), "--data", str(data))
    assert (
        said
        == f"error: another server uses {data}\nhint:  stop it first, or give this one a --data directory of its own\n"
    )
    assert own_server.texts(room) == ["before", "after"]

    own_server.stop()
    env = {**user.env, "CHATTY_DATA": str(data)}
    kept = data / "replaced-1"
    assert user.says("restore", str(backup), env=env) == (
        f"restored {backup} to {data}, rooms: 1; the old data is in {kept}\n"
    )
    assert user.here.says("doctor", str(data)) == f"{data} is sound\n"
    assert user.here.says("doctor", str(kept)) == f"{kept} is sound\n"
    own_server.start()
    assert own_server.texts(room) == ["before"]


def test_what_is_no_backup_is_refused_with_what_to_do(user: User, tmp_path: Path) -> None:
    assert user.here.fails(1, "restore", "nowhere.db", "--data", str(tmp_path / "data")) == (
        "error: there is no backup nowhere.db\nhint:  name a database, such as backup.db\n"
    )
    (tmp_path / "notes").write_text("my notes")
    assert user.here.fails(1, "restore", str(tmp_path / "notes"), "--data", str(tmp_path / "data")) == (
        f"error: {tmp_path / 'notes'} can't be restored: it is damaged: it is not an SQLite database\n"
        "hint:  choose another one; nothing was changed\n"
    )
    assert not (tmp_path / "data" / "chatty.db").exists()


def test_a_revoked_token_stays_so_and_on_a_new_machine_it_has_to_be_said(
    user: User, own_server: Server, tmp_path: Path
) -> None:
    data, backup = own_server.data, tmp_path / "backup.db"
    for name in ("ada", "eve"):
        user.here.run("token", "create", "--name", name, "--data", str(data))
    user.here.run("backup", str(backup), "--data", str(data))
    eves = next(line.split()[0] for line in user.here.says("token", "list", "--all", "--data", str(data)).splitlines()
                if "eve" in line)  # fmt: skip
    user.here.run("token", "revoke", eves, "--data", str(data))
    own_server.stop()
    said = user.here.says("restore", str(backup), "--data", str(data))
    assert said.endswith("\ntokens that count: 1; 0 of them did not count before\n")

    new = tmp_path / "new"
    assert user.here.fails(1, "restore", str(backup), "--data", str(new)) == (
        "error: nobody can tell which of the 2 tokens and invitations in the backup were revoked since: there is no "
        "present data\nhint:  say --tokens revoke, and issue new ones; or --tokens keep, if none was revoked\n"
    )
    assert not (new / "chatty.db").exists()
    said = user.here.says("restore", str(backup), "--data", str(new), "--tokens", "keep")
    assert said.endswith("\ntokens that count: 2; 2 of them did not count before\n")
    assert user.here.says("restore", str(backup), "--data", str(tmp_path / "third"), "--tokens", "revoke") == (
        f"restored {backup} to {tmp_path / 'third'}, rooms: 0\n"
    )
