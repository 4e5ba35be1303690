"""Caches take a share of the memory that there is for this process, which may be less than the machine's."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from chatty.server.memory_limit import LEAST, MIB, PLENTY, Budget, available, budget
from chatty.server.platform.store.applying import Store
from tests.support.faults import InShell, figure

GIB = 1024 * MIB


@pytest.mark.parametrize(
    ("memory", "share"),
    [
        (64 * GIB, PLENTY),
        (float("inf"), PLENTY),
        (2 * GIB, PLENTY),
        (GIB, Budget(32 * MIB, 5368, MIB)),
        (512 * MIB, Budget(16 * MIB, 2684, MIB // 2)),
        (128 * MIB, Budget(4 * MIB, 671, MIB // 4)),
        (16 * MIB, LEAST),
    ],
)
def test_caches_take_their_share_within_bounds(memory: float, share: Budget) -> None:
    assert budget(memory) == share


def test_the_writers_cache_is_as_large_as_its_share_also_after_the_log_was_made_short(tmp_path: Path) -> None:
    def fail(error: BaseException) -> None:
        raise error

    store = Store(tmp_path / "chatty.db", on_error=fail, budget=LEAST)
    store.open()
    assert store._db.execute("PRAGMA cache_size").fetchone() == (-4096,)
    store.close()


class Machine:
    """The files in which a kernel tells of control groups."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_version_2_of_control_groups_in_a_container(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/\n")
    machine.write("sys/fs/cgroup/memory.max", f"{256 * MIB}\n")
    assert available(machine.root) == 256 * MIB


def test_a_group_has_no_more_than_those_that_it_is_in(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/user.slice/chatty.service\n")
    machine.write("sys/fs/cgroup/user.slice/chatty.service/memory.max", "max\n")
    machine.write("sys/fs/cgroup/user.slice/memory.max", f"{512 * MIB}\n")
    assert available(machine.root) == 512 * MIB
    machine.write("sys/fs/cgroup/user.slice/chatty.service/memory.max", f"{128 * MIB}\n")
    assert available(machine.root) == 128 * MIB


def test_version_1_also_where_the_path_is_the_machines_and_what_is_mounted_the_containers(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "12:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n")
    machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{300 * MIB}\n")
    assert available(machine.root) == 300 * MIB


def test_both_versions_at_once(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "4:memory:/a\n0::/a\n")
    machine.write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n")
    machine.write("sys/fs/cgroup/unified/a/memory.max", f"{200 * MIB}\n")
    assert available(machine.root) == 200 * MIB


@pytest.mark.parametrize("told", ["", "nonsense", "0::\n", "4:memory\n", "0::/../../etc\n"])
def test_where_nothing_is_told_it_is_the_machines(machine: Machine, told: str) -> None:
    machine.write("proc/self/cgroup", told)
    assert available(machine.root) == psutil.virtual_memory().total
    machine.write("sys/fs/cgroup/memory.max", "\xb2\n")
    assert available(machine.root) == psutil.virtual_memory().total


@pytest.mark.parametrize("told", [-1, 0])
@pytest.mark.parametrize("name", ["SC_PHYS_PAGES", "SC_PAGE_SIZE"])
def test_a_system_that_does_not_tell_has_plenty(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str, told: int
) -> None:
    sysconf = os.sysconf
    monkeypatch.setattr(os, "sysconf", lambda asked: told if asked == name else sysconf(asked))
    assert budget(available(machine.root)) == PLENTY


def test_a_process_that_may_have_little_serves_all_the_same(tmp_path: Path) -> None:
    kib = 1_200_000
    with InShell(tmp_path / "data", f'ulimit -v {kib}; exec "$@"') as server:
        assert figure(server, "chatty_memory_limit_bytes") == kib * 1024
        room = server.make_room()["id"]
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "find me"})
        assert server.texts(room) == ["find me"]
