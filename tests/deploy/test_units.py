"""The units, the compose file and the example for nats-server: their programs take them, and what they name exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from chatty.cli.app import COMMANDS
from chatty.server.settings import SETTINGS
from tests.support.nats import PROGRAM
from tests.support.server import PATIENCE, ROOT

DEPLOY = ROOT / "deploy"
UNITS = ("chatty.service", "chatty-cluster.service")
VARIABLES = {setting.variable for setting in SETTINGS} | {"CHATTY_PEERS"}
COMPOSE = (DEPLOY / "compose.yaml").read_text("utf-8")


def unit(name: str) -> ConfigParser:
    found = ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read(DEPLOY / name, "utf-8")
    return found


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_a_command_that_there_is_and_tells_systemd_how_it_goes(name: str) -> None:
    service = unit(name)["Service"]
    program, *words = service["ExecStart"].split()
    assert program.endswith("/bin/chatty")
    assert " ".join(words) in COMMANDS
    assert (service["Type"], service["NoNewPrivileges"], service["User"]) == ("notify", "yes", "chatty")
    assert float(service["WatchdogSec"]) > 0


@pytest.mark.parametrize("name", [*UNITS, "compose.yaml"])
def test_every_variable_is_a_setting(name: str) -> None:
    named = set(re.findall(r"CHATTY_[A-Z_]+", (DEPLOY / name).read_text("utf-8")))
    assert named
    assert named <= VARIABLES


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_a_unit(name: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:  # not on every system; the keys were written on one that has it
        return
    text = (DEPLOY / name).read_text("utf-8").replace("/opt/chatty/bin", str(Path(sys.executable).parent))
    (tmp_path / name).write_text(text.replace("User=chatty", "User=root"))
    checked = subprocess.run([program, "verify", tmp_path / name], capture_output=True, text=True, timeout=PATIENCE)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_nats_server_takes_its_example_whose_names_are_those_of_the_compose_file() -> None:
    file = DEPLOY / "nats-server.conf"
    env = {**os.environ, "NATS_NAME": "nats-a", "NATS_DATA": "/data", "NATS_PASSWORD": "p", "NATS_KEY": "k" * 32}
    checked = subprocess.run([PROGRAM, "-t", "-c", file], env=env, capture_output=True, timeout=PATIENCE)
    assert checked.returncode == 0, checked.stderr.decode()
    text = file.read_text("utf-8")
    for wanted in ("sync_interval: always", "cipher: aes", "max_payload: 2MB"):
        assert wanted in text
    for name in ("nats-a", "nats-b", "nats-c"):
        assert f"nats-route://{name}:6222" in text
        assert f"@{name}:4222" in COMPOSE
        assert f"\n  {name}:\n" in COMPOSE
    assert set(re.findall(r"NATS_[A-Z]+", COMPOSE)) == {name for name in env if name.startswith("NATS_")}


def test_the_compose_file_has_the_version_of_nats_that_is_tested() -> None:
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=PATIENCE).stdout
    assert f"image: nats:{version.split('v')[-1].strip()}-alpine" in COMPOSE
