"""The server asks for more open files in steps, and goes on without things that the system refuses."""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable

import pytest

from chatty.server.surroundings.best_effort import attempt, descriptor_limit, raise_descriptor_limit

INFINITE = resource.RLIM_INFINITY


class Kernel:
    """Limits as a kernel keeps them that takes none above ``most``, and none without bound."""

    def __init__(self, soft: int, hard: int, most: int) -> None:
        self.limits = (soft, hard)
        self.most = most

    def getrlimit(self, which: int) -> tuple[int, int]:
        return self.limits

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        if not 0 <= limits[0] <= self.most:
            raise ValueError("not allowed")
        self.limits = limits


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int, int], Kernel]:
    def make(soft: int, hard: int, most: int) -> Kernel:
        made = Kernel(soft, hard, most)
        monkeypatch.setattr(resource, "getrlimit", made.getrlimit)
        monkeypatch.setattr(resource, "setrlimit", made.setrlimit)
        return made

    return make


@pytest.mark.parametrize(
    ("soft", "hard", "most", "then"),
    [
        (1024, 4096, 10**6, 4096),
        (256, INFINITE, 10_240, 10_240),  # macOS
        (1024, INFINITE, 1_048_576, 1_048_576),  # Linux, with its own fs.nr_open
        (1024, 10**9, 524_288, 65_536),
        (4096, 4096, 10**6, 4096),
        (INFINITE, INFINITE, 10**6, INFINITE),
        (70_000, INFINITE, 70_000, 70_000),
    ],
)
def test_as_many_open_files_as_the_system_gives(
    kernel: Callable[[int, int, int], Kernel], soft: int, hard: int, most: int, then: int
) -> None:
    limits = kernel(soft, hard, most)
    attempt("more open files", raise_descriptor_limit)
    assert limits.limits == (then, hard)


def test_an_unknown_limit_is_not_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (INFINITE, INFINITE))
    assert descriptor_limit() == float("inf")

    def refuse(which: int) -> tuple[int, int]:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(resource, "getrlimit", refuse)
    assert descriptor_limit() == float("inf")


@pytest.mark.parametrize("error", [OSError("no"), ValueError("no"), AttributeError("no"), NotImplementedError()])
def test_a_refused_feature_ends_nothing(error: Exception) -> None:
    def refuse() -> None:
        raise error

    assert not attempt("something", refuse)
    assert attempt("something", lambda: None)
