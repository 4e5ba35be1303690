"""A real cluster: servers of NATS, and nodes of chatty over them, each in a process of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError

from tests.support.faults import eventually
from tests.support.nats import Nats
from tests.support.server import Server

NAMES = ("a", "b", "c")


class Cluster:
    """Nodes called ``names``, in the directory ``data``, over ``logs`` servers of NATS."""

    def __init__(
        self, data: Path, names: tuple[str, ...] = NAMES, *options: str, logs: int = 3, is_encrypted: bool = True
    ) -> None:
        self.data = data
        self.nats = Nats(data / "nats", logs, is_encrypted=is_encrypted)
        self.nodes = {name: self.make(name, *options) for name in names}

    def make(self, name: str, *options: str, **settings: Any) -> Server:
        """A node, which is not started yet."""
        return Server(
            self.data / name, "--log", self.nats.url, "--node", name, "--replicas", str(self.nats.replicas),
            "--secret-file", str(self.nats.secret), "--message-rate", "0", "--join-rate", "0", "--room-rate", "0",
            "--read-rate", "0", *options, **settings,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        self.nats.__enter__()
        for node in self.nodes.values():
            node.start(wait=False)
        for node in self.nodes.values():
            node.wait_ready_or_kill()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for node in self.nodes.values():
            node.kill9()
        self.nats.__exit__(kind, error, traceback)

    def __getitem__(self, name: str) -> Server:
        return self.nodes[name]


def content(database: Path) -> dict[str, list[Any]]:
    """All rows of a node's database, by table. Those about the disk itself are left out."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr)  # noqa: S608 - names from the database itself
            for name in sorted(tables)
            if name != "probes"
        }


def position(database: Path) -> tuple[int, bytes]:
    """How far a node has come in the log, and its chain."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        found: tuple[int, bytes] = db.execute("SELECT position, chain FROM log").fetchone()
        return found


def check_agreement(cluster: Cluster) -> None:
    """Returns when all nodes have come equally far, and checks that they have the same rows."""
    databases = [node.data / "chatty.db" for node in cluster.nodes.values()]

    def agree() -> bool:
        before = set(map(position, databases))
        first, *others = map(content, databases)
        if len(before | set(map(position, databases))) > 1:
            return False  # something came meanwhile
        assert all(other == first for other in others)
        return True

    eventually(agree, "all nodes have come equally far, with one chain")


def status(node: Server, method: str, path: str, body: Any = None, token: str | None = None) -> int:
    """The status of the answer to a request."""
    try:
        node.ask(method, path, body, token=token)
    except HTTPError as error:
        with error:
            return error.code
    return 200
