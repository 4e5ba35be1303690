"""Faults that end a server, and its last words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import PATIENCE, ROOT, environment

SABOTAGED = """
import sys
from pathlib import Path
from chatty.server.platform.network import heartbeat
from chatty.server.platform.pipeline import housekeeping
from chatty.server.platform.pipeline.log.local import LocalLog
from chatty.server.settings import Settings
from tests.support.room_list import NoRooms
from chatty.server import app

async def fail(*_):
    raise RuntimeError("a bug")

def fail_to_write(*_):
    raise RuntimeError("a bug")

{sabotage}
sys.exit(app.run(Settings(data=Path(sys.argv[1]), port=0), [], NoRooms()))
"""


@pytest.mark.parametrize(
    "sabotage",
    ["heartbeat.sweep = fail", "housekeeping.keep_rooms = fail", "LocalLog._write_next = fail_to_write"],
    ids=["heartbeat", "housekeeping", "writer"],
)
def test_a_long_lived_task_that_fails_ends_the_server_and_says_why(tmp_path: Path, sabotage: str) -> None:
    command = [sys.executable, "-c", SABOTAGED.format(sabotage=sabotage), str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, env=environment())
    assert done.returncode == 1
    assert done.stderr.endswith("error: a bug\nhint:  see the log\n")
    assert "the server cannot go on" in done.stdout + done.stderr
