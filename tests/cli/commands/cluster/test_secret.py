"""``chatty cluster secret`` makes secrets that the servers take."""

from __future__ import annotations

from pathlib import Path

from chatty.server.platform.pipeline.log.jetstream.connection import secret_of
from tests.cli.user import User


def test_each_secret_is_another_one_and_serves(user: User, tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "other"):
        file = tmp_path / name
        file.write_text(user.here.says("cluster", "secret"))
        secrets.add(secret_of(str(file)))
    assert len(secrets) == 2
