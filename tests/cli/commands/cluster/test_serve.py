"""Three real servers, each with its own server of NATS, as an operator runs them on three machines."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.user import User
from tests.support.server import CHATTY, PATIENCE, Server, free_port

NAMES = ("a", "b", "c")
LINES = 800
"""Of each of three senders: they keep the nodes busy while these are compared."""


class Machines:
    """Three of them, on loopback ports. The nodes keep their data below ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.secret = "0123456789abcdef" * 4
        (directory / "secret").write_text(self.secret)
        self.peers = ",".join(f"{name}=127.0.0.1:{free_port()}:{free_port()}" for name in NAMES)
        self.nodes = {name: self.make(name) for name in NAMES}

    def make(self, name: str, *options: str) -> Server:
        """A node, which is not started yet."""
        own = ("--name", name, "--peers", self.peers, "--secret-file", str(self.directory / "secret"))
        options = (*own, "--log-level", "debug", "--message-rate", "0", *options)
        return Server(self.directory / name, *options, program=(*CHATTY, "cluster"))

    def start(self) -> None:
        for node in self.nodes.values():
            node.start(wait=False)
        for node in self.nodes.values():
            node.wait_ready_or_kill()

    def nats_of(self, name: str) -> psutil.Process:
        """The server of NATS of a node."""
        deadline = time.monotonic() + PATIENCE
        while not (children := psutil.Process(self.nodes[name].pid).children()):
            assert time.monotonic() < deadline, self.nodes[name].log
            time.sleep(0.02)
        (child,) = children
        return child

    def __getitem__(self, name: str) -> Server:
        return self.nodes[name]


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    three = Machines(tmp_path_factory.mktemp("machines"))
    try:
        three.start()
        yield three
    finally:
        for node in three.nodes.values():
            node.kill9()


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[User]:
    with User(tmp_path / "home", "http://127.0.0.1:1") as user:
        yield user


def status(operator: User, node: Server) -> Any:
    """What a node says of the cluster, whether or not there is something to see to."""
    done = operator.here.run("cluster", "status", "--data", str(node.data), "--json", status=None)
    assert not done.stderr, done.stderr
    return json.loads(done.stdout)


def until(operator: User, node: Server, is_so: Any) -> Any:
    """What a node says once ``is_so`` of that."""
    deadline = time.monotonic() + PATIENCE
    while not is_so(said := status(operator, node)):
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    return said


def is_sound(said: Any) -> bool:
    return not said.get("warnings")


def test_what_is_said_at_one_is_heard_at_another_and_the_secret_is_nowhere(machines: Machines) -> None:
    room = machines["a"].make_room()["id"]
    machines["b"].ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "hello"})
    assert machines["c"].ask("GET", f"/v1/rooms/{room}/events?fresh")["events"][-1]["text"] == "hello"
    password = re.findall(r'"([0-9a-f]{64})"', (machines["a"].data / "nats" / "nats-server.conf").read_text())
    assert len(set(password)) == 4
    running = [psutil.Process(node.pid) for node in machines.nodes.values()]
    seen = [" ".join(one.cmdline()) for process in running for one in (process, *process.children())]
    for secret in (machines.secret, *password):
        assert not any(secret in text for text in [*seen, *(node.log for node in machines.nodes.values())])


def test_a_status_shows_the_log_and_all_nodes(machines: Machines, operator: User) -> None:
    said = until(operator, machines["b"], lambda said: is_sound(said) and len(said["nodes"]) == 3)
    assert said["answered_by"] == "b"
    assert (said["log"]["copies"], said["log"]["discard"]) == (3, "new")
    assert [server["name"] for server in said["log"]["servers"]] == list(NAMES)
    assert all(server["syncs_always"] for server in said["log"]["servers"])
    assert [node["node"] for node in said["nodes"]] == list(NAMES)
    assert len({node["settings"] for node in said["nodes"]}) == 1
    shown = operator.here.says("cluster", "status", "--data", str(machines["b"].data))
    assert "copies 3/3 current  synced always" in shown
    assert re.search(r"^a\t.*\tready", shown, re.MULTILINE)
    assert "warning" not in shown


def test_a_doctor_finds_the_row_that_differs_on_one_node(machines: Machines, operator: User) -> None:
    until(operator, machines["a"], lambda said: is_sound(said) and len(said["nodes"]) == 3)
    told = operator.here.says("cluster", "doctor", "--data", str(machines["a"].data))
    assert told == "the cluster is sound; the tables of a, b, c are equal\n"
    with closing(sqlite3.connect(machines["c"].data / "chatty.db", timeout=PATIENCE)) as db, db:
        db.execute("UPDATE rooms SET topic = 'tampered with'")
    done = operator.here.run("cluster", "doctor", "--data", str(machines["a"].data), status=1)
    assert done.stdout.decode() == (
        "The table rooms of c differs: stop that node, move its data away and start it; it takes a snapshot.\n"
    )
    with closing(sqlite3.connect(machines["c"].data / "chatty.db", timeout=PATIENCE)) as db, db:
        db.execute("UPDATE rooms SET topic = ''")
    operator.here.run("cluster", "doctor", "--data", str(machines["b"].data))


def test_tables_are_compared_at_one_position_while_messages_come(machines: Machines, operator: User) -> None:
    room = machines["a"].make_room()["id"]
    lines = b"hello\n" * LINES
    posting = [operator.start("send", room, "--name", name, "--server", machines[name].url) for name in NAMES]
    writing = [threading.Thread(target=post.communicate, args=(lines,)) for post in posting]
    for thread in writing:
        thread.start()
    compared = 0
    while any(post.poll() is None for post in posting):
        examined = machines[NAMES[compared % 3]].operate("POST", "/v1/cluster/examinations")
        assert [one["node"] for one in examined["prints"]] == list(NAMES)
        assert len({json.dumps(one["tables"]) for one in examined["prints"]}) == 1
        assert len({one["position"] for one in examined["prints"]}) == 1
        assert not examined.get("problems")
        compared += 1
    for thread in writing:
        thread.join()
    assert [post.returncode for post in posting] == [0, 0, 0]
    assert compared


def test_there_is_no_level_to_raise_that_no_version_knows(machines: Machines, operator: User) -> None:
    data = ("--data", str(machines["a"].data))
    assert operator.here.says("cluster", "upgrade", *data).startswith("nothing to do: the log is at level 1")
    with pytest.raises(AssertionError, match=r"needs all nodes to know it, and . knows level 1"):
        machines["a"].operate("PUT", "/v1/cluster/level", {"level": 2})


def test_a_server_of_nats_that_dies_comes_back_and_one_whose_node_dies_ends(machines: Machines, operator: User) -> None:
    killed = machines.nats_of("a")
    killed.kill()
    killed.wait(PATIENCE)
    assert machines.nats_of("a") != killed
    until(operator, machines["b"], is_sound)
    orphan = machines.nats_of("c")
    machines["c"].kill9()
    orphan.wait(PATIENCE)
    until(operator, machines["a"], lambda said: said["nodes"][2].get("ended"))
    until(operator, machines["a"], lambda said: any("NATS c is offline" in one for one in said.get("warnings", ())))
    machines["c"].start()
    until(operator, machines["a"], is_sound)


def test_a_second_server_with_the_same_data_is_refused(machines: Machines, operator: User) -> None:
    node = machines["a"]
    told = operator.fails(
        2, "cluster", "serve", "--name", "a", "--peers", machines.peers, "--data", str(node.data), "--port", "0",
        "--secret-file", str(machines.directory / "secret"),
    )  # fmt: skip
    assert "another server uses" in told
    assert machines.nats_of("a").is_running()


def test_one_that_is_left_alone_still_says_so_and_all_stop_cleanly_the_node_before_its_server_of_nats(
    machines: Machines, operator: User
) -> None:
    children = [machines.nats_of(name) for name in NAMES]
    for name in ("b", "c"):
        machines[name].signal(signal.SIGTERM)
    assert [machines[name].wait() for name in ("b", "c")] == [0, 0]
    alone = until(
        operator, machines["a"], lambda said: any("more than half" in one for one in said.get("warnings", ()))
    )
    assert alone["answered_by"] == "a"
    assert machines["a"].stop() == 0
    assert not any(child.is_running() for child in children)
    log = machines["a"].log
    assert log.rindex("stopping ") < log.rindex("Initiating Shutdown")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--name", "d"), "error: --name d is not among --peers\nhint:  choose a, b, c\n"),
        (("--peers", "a"), "error: 'a' is not NAME=ADDRESS\n"),
        (("--secret-file", "nowhere"), "error: --secret-file can't be read"),
    ],
)
def test_options_that_cannot_be_are_wrong_usage(
    operator: User, tmp_path: Path, options: tuple[str, str], told: str
) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    given = {
        "--name": "a", "--peers": "a=127.0.0.1,b=127.0.0.2,c=127.0.0.3", "--secret-file": str(tmp_path / "secret"),
        "--data": str(tmp_path / "data"), **dict([options]),
    }  # fmt: skip
    said = operator.here.fails(2, "cluster", "serve", *(word for option in given.items() for word in option))
    assert said.startswith(told)
    assert not (tmp_path / "data").exists()


def test_a_single_machine_is_served_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    peers = f"a=127.0.0.1:{free_port()}:{free_port()}"
    own = ("--name", "a", "--peers", peers, "--secret-file", str(tmp_path / "secret"))
    with Server(tmp_path / "data", *own, program=(*CHATTY, "cluster")) as node:
        assert "no machine may be lost" in node.log
        room = node.make_room()["id"]
        assert node.ask("GET", f"/v1/rooms/{room}")["name"] == "test"
