"""A rolling upgrade to a version that brings a new kind of entry, and a node that comes too late for it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

import chatty
from chatty.server.business.nodes import LEVEL
from tests.support.cluster import Cluster, check_agreement
from tests.support.faults import eventually
from tests.support.server import Server

NEXT = LEVEL + 1
CHANGES = (
    (
        "server/business/nodes.py",
        (f"LEVEL: Final = {LEVEL}\n", f"LEVEL: Final = {NEXT}\n"),
        ("LEVEL_OF: Final", "class Novelty(Entry, frozen=True, gc=False):\n    what: str\n\n\nLEVEL_OF: Final"),
        ("], int]] = {", f"], int]] = {{Novelty: {NEXT}, "),
    ),
    (
        "server/platform/store/applying.py",
        ("import EndNode, Fingerprint,", "import Novelty, EndNode, Fingerprint,"),
        ("dict.fromkeys((RaiseLevel,", "dict.fromkeys((Novelty, RaiseLevel,"),
    ),
    (
        "server/platform/network/rooms.py",
        (
            "    async def show(self, request: web.Request) -> web.StreamResponse:\n",
            "    async def show(self, request: web.Request) -> web.StreamResponse:\n"
            "        from chatty.server.business.nodes import Novelty\n"
            "        from chatty.server.platform.network.access.routes import committed\n"
            '        if "novelty" in request.query:\n'
            '            await committed(self.node, Novelty("", self.node.now(), request.query["novelty"]))\n',
        ),
    ),
)
"""What makes the present version the next one: an entry of a new level, and a request that proposes it."""


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """The next version's package, in a directory to import it from."""
    package = tmp_path / "after" / "chatty"
    shutil.copytree(Path(chatty.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, *changes in CHANGES:
        text = (package / file).read_text()
        for old, new in changes:
            assert text.count(old) == 1, (file, old)
            text = text.replace(old, new)
        (package / file).write_text(text)
    return package.parent


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that nobody else needs any more."""
    with Cluster(tmp_path / "cluster", logs=1) as cluster:
        yield cluster


def novelty(node: Server, room_id: str) -> int:
    """What is said to somebody who wants something new."""
    try:
        node.ask("GET", f"/v1/rooms/{room_id}?novelty=it")
    except HTTPError as error:
        with error:
            return error.code
    return 200


def test_nodes_of_two_versions_run_side_by_side_until_all_know_what_is_new(small: Cluster, after: Path) -> None:
    room_id = small["a"].make_room()["id"]
    before = dict(small.nodes)

    def upgrade(name: str) -> None:
        small[name].stop()
        program = (sys.executable, "-P", "-m", "chatty")
        env = {"PYTHONPATH": str(after)}
        small.nodes[name] = small.make(name, program=program, env=env, port=before[name].port).start()

    # One of them is new. It proposes nothing that the others don't know, whoever wants it.
    upgrade("c")
    assert novelty(small["a"], room_id) == 200  # which is just an unknown parameter there
    assert novelty(small["c"], room_id) == 503
    with pytest.raises(AssertionError, match="Level 2 needs all nodes to know it"):
        small["c"].operate("PUT", "/v1/cluster/level", {"level": NEXT})
    for node in small.nodes.values():
        node.ask("POST", f"/v1/rooms/{room_id}/messages", {"participant": "Ada", "text": "of two versions"})
    check_agreement(small)
    # All of them are new.
    upgrade("a")
    upgrade("b")
    assert novelty(small["a"], room_id) == 503
    small["c"].operate("PUT", "/v1/cluster/level", {"level": NEXT})
    for node in small.nodes.values():
        eventually(lambda node=node: novelty(node, room_id) == 200, "it knows that all know it")  # type: ignore[misc]
    check_agreement(small)
    # The version before can't come back, neither with its data nor without any.
    small["a"].stop()
    old = before["a"]
    for data in (old.data, old.data.with_name("none")):
        late = Server(data, *old.options, port=old.port)
        assert late.start(wait=False).wait() != 0
        assert "hint:  a newer chatty wrote it: start that one here, too" in late.log
    assert all(small[name].running for name in "bc")
    small["a"].start()
    check_agreement(small)
