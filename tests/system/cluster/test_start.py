"""Nodes that must not start, and those that wait."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatty.server.platform.pipeline.log.jetstream.connection import secret_of
from chatty.server.settings import SettingError
from tests.support.cluster import Cluster
from tests.support.faults import eventually
from tests.support.nats import Nats
from tests.support.server import Server


@pytest.fixture
def extra(cluster: Cluster, tmp_path: Path) -> Iterator[Server]:
    """A node of the cluster besides the others, with data of its own and a name that no other has."""
    node = Server(
        tmp_path / "extra", "--log", cluster.nats.url, "--node", "extra", "--secret-file", str(cluster.nats.secret)
    )
    yield node
    node.kill9()


def refusal(node: Server, *more: str) -> str:
    """Why a server doesn't start."""
    other = Server(node.data, *node.options, *more, port=node.port)
    assert other.start(wait=False).wait() in (1, 2)
    return other.log


def test_of_two_processes_with_one_name_the_second_refuses_and_the_first_goes_on(
    cluster: Cluster, extra: Server
) -> None:
    assert "error: another server calls itself 'a'" in refusal(extra, "--node", "a")
    assert "hint:  give this one a --node of its own" in extra.log
    assert cluster["a"].running
    cluster["a"].wait_ready()


def test_another_secret_is_refused(extra: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x" * 40)
    assert "error: this is not the secret of the cluster whose log is there" in refusal(
        extra, "--secret-file", str(secret)
    )
    secret.write_text("short")
    for file, why in ((secret, "is too short for a secret"), (tmp_path / "nothing", "--secret-file can't be read")):
        with pytest.raises(SettingError, match=why):
            secret_of(str(file))


def test_a_database_of_one_machine_and_one_of_a_cluster_are_not_taken_for_each_other(
    extra: Server, tmp_path: Path
) -> None:
    with Server(tmp_path / "extra") as plain:
        plain.make_room()
        plain.stop()
    assert "is that of a server on its own, and not of a cluster's node" in refusal(extra)
    shutil.rmtree(extra.data)
    extra.start().stop()
    assert "of a cluster's node" in refusal(Server(extra.data, port=extra.port))


def test_a_node_starts_when_nats_does_and_refuses_data_of_another_log(extra: Server, tmp_path: Path) -> None:
    nats = Nats(tmp_path / "nats")
    options = ("--log", nats.url, "--replicas", "1", "--secret-file", str(nats.secret), "--node", "b")
    waiting = Server(tmp_path / "data", *options)
    waiting.start(wait=False)
    try:
        eventually(lambda: "no server of NATS answers; it is tried again" in waiting.log, "it says what it waits for")
        extra.start().stop()
        with nats:
            waiting.wait_ready()
            assert waiting.make_room()["id"]
            assert waiting.stop() == 0
            assert "a node without data takes that of its cluster" in refusal(extra, *options)
    finally:
        waiting.kill9()


def test_a_node_that_waits_for_nats_ends_when_it_is_told_to(extra: Server) -> None:
    nobody = Server(extra.data, *extra.options, "--log", "nats://127.0.0.1:1", port=extra.port)
    nobody.start(wait=False)
    try:
        eventually(lambda: "no server of NATS answers" in nobody.log, "it waits")
        assert nobody.signal(signal.SIGTERM).wait() == 0
    finally:
        nobody.kill9()


def test_without_the_extra_a_cluster_says_how_to_install_it(extra: Server, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['nats'] = None\n")
    bare = Server(
        extra.data, *extra.options, port=extra.port, env={"PYTHONPATH": f"{hidden}:{os.environ.get('PYTHONPATH', '')}"}
    )
    assert bare.start(wait=False).wait() == 2
    assert "error: a cluster needs NATS" in bare.log
    assert "hint:  install it: pip install 'chatty-rooms[cluster]'" in bare.log


def test_one_machine_never_imports_nats() -> None:
    """It starts as fast as it ever did, and needs no extra."""
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import chatty.cli, chatty.server.app"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    assert "chatty.server.app" in said
    assert " nats" not in said
