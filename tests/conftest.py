"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Tests that run in the background ignore interrupts, and every process that they start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
