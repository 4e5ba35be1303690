"""How much memory there is, and how much of it each cache may take: a container has less than its machine."""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

MIB: Final = 1 << 20


class Budget(NamedTuple):
    """What the largest consumers may take."""

    page_cache: int = 64 * MIB
    """Bytes of SQLite's cache, for the one connection that writes."""
    rooms: int = 10_000
    """Rooms whose working state is kept, and producers and idempotency keys, each of them."""
    waiting: int = MIB
    """Bytes that may wait for one reader, before it counts as slow."""


PLENTY: Final = Budget()
"""From 2 GiB on. More would make nothing faster."""
LEAST: Final = Budget(4 * MIB, 500, MIB // 4)


def budget(memory: float) -> Budget:
    """What each may take of so much ``memory``, in bytes."""
    shares = (memory / 32, memory / 200_000, memory / 1024)
    within = [int(min(max(share, least), most)) for share, least, most in zip(shares, LEAST, PLENTY, strict=True)]
    return Budget(*within)


def available(root: Path = Path("/")) -> float:
    """The memory that this process may use, in bytes: the least of its limits. ``root`` is for tests."""
    return min([*_limits_of_groups(root), _limit_of_process(), _of_machine()])


def _of_machine() -> float:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):  # a system that doesn't tell
        return math.inf
    return pages * size if pages > 0 and size > 0 else math.inf  # -1: it doesn't tell either


def _limit_of_process() -> float:
    try:
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    except OSError:
        return math.inf
    return math.inf if limit == resource.RLIM_INFINITY else limit


def _limits_of_groups(root: Path) -> Iterator[float]:
    """Of the process's control group and of all those that it is in, of both versions (v1 and v2)."""
    mounted = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            yield from _limits(path, mounted, "memory.max")
            yield from _limits(path, mounted / "unified", "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits(path, mounted / "memory", "memory.limit_in_bytes")


def _limits(path: str, mounted: Path, file: str) -> Iterator[float]:
    """From a group upwards. In a container the path may be the machine's, and what is mounted the group itself."""
    group = Path(path.lstrip("/"))
    for above in (group, *group.parents):
        limit = _read(mounted / above / file).strip()
        if limit.isdigit():
            yield int(limit)


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except (OSError, ValueError):  # another system, or a sandbox
        return ""
