"""The real nats-server, for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from chatty.server.nats_server.process import found_program
from tests.support.server import PATIENCE


def check_configuration(file: Path) -> None:
    """Raises AssertionError with nats-server's own words if it doesn't understand the configuration."""
    checked = subprocess.run([found_program(), "-t", "-c", file], capture_output=True, timeout=PATIENCE)
    assert checked.returncode == 0, checked.stderr.decode()
