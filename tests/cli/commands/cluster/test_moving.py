"""A server's data becomes a cluster's and comes back; a cluster is backed up, and begins anew with a backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatty.server.platform.store.copies.snapshot import ASIDE
from tests.cli.user import User
from tests.support.cluster import Cluster, content
from tests.support.server import CHATTY, Server, free_port


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes, which are not started yet, over one server of NATS, which is."""
    cluster = Cluster(tmp_path / "cluster", ("a", "b"), logs=1)
    with cluster.nats:
        yield cluster
        for node in cluster.nodes.values():
            node.kill9()


def reaching(cluster: Cluster) -> tuple[str, ...]:
    return "--log", cluster.nats.url, "--secret-file", str(cluster.nats.secret)


def epochs(data: Path) -> list[str]:
    with closing(sqlite3.connect(data / "chatty.db")) as db:
        return [epoch for (epoch,) in db.execute("SELECT epoch FROM rooms ORDER BY key")]


def test_a_server_becomes_a_cluster_and_a_server_again(user: User, cluster: Cluster) -> None:
    alone = Server(cluster["a"].data)
    with alone:
        room = alone.make_room()["id"]
        user.here.run("send", room, "one", "--server", alone.url)
        user.here.run("token", "create", "--name", "ada", "--data", str(alone.data))
        move = ("cluster", "move", "--data", str(alone.data), "--replicas", "1", *reaching(cluster))
        assert "another server uses" in user.here.fails(2, *move)
        alone.stop()
    before = epochs(alone.data)
    cluster["a"].start(wait=False)
    assert cluster["a"].process is not None
    assert cluster["a"].process.wait(30) == 1
    assert "see: chatty cluster move --help" in cluster["a"].log

    assert "rooms: 1; start its nodes" in user.here.says(*move)
    for node in cluster.nodes.values():
        node.start()
    user.here.run("send", room, "two", "--server", cluster["b"].url)
    assert cluster["a"].texts(room) == ["one", "two"]
    cluster["a"].stop()
    leave = ("cluster", "leave", *reaching(cluster), "--data")
    assert "a node of the cluster is running" in user.here.fails(1, *leave, str(alone.data))
    user.here.run("send", room, "three", "--server", cluster["b"].url)
    cluster["b"].stop()
    assert "this node lacks the last" in user.here.fails(2, *leave, str(alone.data))
    last = Server(cluster["b"].data)
    last.start(wait=False)
    assert last.process is not None
    assert last.process.wait(30) == 1
    assert "chatty cluster leave" in last.log
    assert "nobody knows whether" in user.here.fails(2, "cluster", "leave", "--data", str(last.data))
    assert "a server on its own now" in user.here.says(*leave, str(last.data))
    with Server(last.data) as again:
        user.here.run("send", room, "four", "--server", again.url)
        assert again.texts(room) == ["one", "two", "three", "four"]
        assert "ada" in user.here.says("token", "list", "--all", "--data", str(last.data))
        again.stop()
    assert epochs(last.data) == before
    assert "is sound" in user.here.says("doctor", str(last.data))


def test_a_cluster_is_backed_up_and_begins_anew_with_the_backup(user: User, cluster: Cluster, tmp_path: Path) -> None:
    a, b = cluster["a"], cluster["b"]
    for node in (a, b):
        node.start()
    room = a.make_room()["id"]
    user.here.run("send", room, "one", "--server", a.url)
    backup = tmp_path / "backup.db"
    said = user.here.run("cluster", "backup", str(backup), *reaching(cluster))
    assert said.stdout.startswith(f"backed up the cluster to {backup}, rooms: 1".encode())
    assert b"warning" not in said.stderr
    user.here.run("send", room, "two", "--server", b.url)
    before = epochs(a.data)
    a.stop()
    b.stop()
    restore = ("cluster", "restore", str(backup), "--data", str(b.data), "--replicas", "1", *reaching(cluster))
    assert "which would be deleted" in user.here.fails(2, *restore)
    assert "rooms: 1; start its nodes" in user.here.says(*restore, "--force")
    for node in (a, b):
        node.start()
    user.here.run("send", room, "three", "--server", a.url)
    assert b.texts(room) == ["one", "three"]
    a.stop()
    b.stop()
    assert epochs(a.data) != before
    assert content(a.data / "chatty.db")["events"] == content(b.data / "chatty.db")["events"]
    assert epochs(a.data / ASIDE) == before
    # Nobody runs: what there is, is older.
    old = user.here.run("cluster", "backup", str(backup), "--force", *reaching(cluster))
    assert b"warning: no node runs" in old.stderr
    # A backup of a cluster also serves a server on its own.
    user.here.run("restore", str(backup), "--data", str(tmp_path / "alone"), "--tokens", "keep")
    with Server(tmp_path / "alone") as alone:
        assert alone.texts(room)[:1] == ["one"]


def test_a_cluster_that_is_not_named_or_not_there_is_asked_for(user: User, tmp_path: Path) -> None:
    assert "say --peers as for chatty cluster serve, or --log" in user.here.fails(
        2, "cluster", "backup", str(tmp_path / "backup.db")
    )


def test_the_servers_of_nats_run_alone_for_that(user: User, tmp_path: Path) -> None:
    data, secret = tmp_path / "data", tmp_path / "secret"
    secret.write_text(user.here.says("cluster", "secret"))
    own = ("--peers", f"a=127.0.0.1:{free_port()}:{free_port()}", "--secret-file", str(secret))
    with Server(data) as alone:
        room = alone.make_room()["id"]
        user.here.run("send", room, "one", "--server", alone.url)
        alone.stop()
    program = (*CHATTY, "cluster")
    log = Server(data, "--name", "a", *own, "--only-log", program=program)
    try:
        log.start(wait=False)
        assert "rooms: 1" in user.here.says("cluster", "move", "--data", str(data), *own)
        assert log.stop() == 0
    finally:
        log.kill9()
    with Server(data, "--name", "a", *own, program=program) as node:
        assert node.texts(room) == ["one"]
        node.stop()
