"""What holds for all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

import pytest
import structlog
from hypothesis import Phase, settings
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

# Whether `make test` passes depends on what was changed, not on luck: it tries the same examples each time.
# New ones are looked for by `--hypothesis-profile search`; what that finds becomes a plain test.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", print_blob=True)
# `make mutation` asks only whether a test fails, and wants no smaller example.
settings.register_profile("mutation", derandomize=True, phases=[Phase.explicit, Phase.generate])
# `make fuzz` looks for new examples, so many of each; CHATTY_FUZZ_EXAMPLES says how many.
settings.register_profile(
    "fuzz", max_examples=int(os.environ.get("CHATTY_FUZZ_EXAMPLES", "20000")), deadline=None, print_blob=True
)
settings.load_profile("same")


def pytest_configure() -> None:
    """Tests that run in the background or under nohup ignore what a terminal sends, and go on doing so.

    Every process that they start would inherit that, but it inherits no handler.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(autouse=True)
def _ordinary_logging() -> None:
    """Some tests run commands in this process, which set up how it logs. That is not for the next test."""
    structlog.reset_defaults()


SYSTEM: Final = Path(__file__).parent / "system"
CLUSTER: Final = SYSTEM / "cluster"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest files first, which mostly wait: at the end, small ones keep all processes of the run busy."""
    items.sort(key=lambda item: (not item.path.is_relative_to(CLUSTER), not item.path.is_relative_to(SYSTEM)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests run in one process, and so do all those of a cluster, which is started once for them."""

    def _split_scope(self, nodeid: str) -> str:
        own = CLUSTER.relative_to(CLUSTER.parents[2]).as_posix()
        return own if nodeid.startswith(own) else str(super()._split_scope(nodeid))
