"""The surroundings of a command: its streams, variables, directories and clock. No other module asks the process."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

__all__ = ["Environment", "NoHome", "ReaderGone"]


class ReaderGone(Exception):
    """The reader of standard output went away."""


class NoHome(FileNotFoundError):
    """Nobody knows where this user's own files are, as in a container whose user has no entry in passwd."""

    def __init__(self, variable: str) -> None:
        super().__init__(errno.ENOENT, f"this user has no home directory; set HOME or {variable}")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The surroundings of a command. `of_process` gives the real ones; tests make their own.

    ``now`` gives seconds since 1970. ``directories`` replaces the user's
    directories for configuration and state.
    """

    environ: Mapping[str, str]
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    now: Callable[[], float] = time.time
    directories: tuple[Path, Path] | None = None

    @classmethod
    def of_process(cls) -> Environment:
        """The real one. Standard streams that were closed are opened on nothing, so that no file gets their numbers."""
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)
        return cls(
            environ=os.environ,
            stdin=sys.stdin or open(0, closefd=False),
            stdout=_speak_utf8(sys.stdout or open(1, "w", closefd=False)),
            stderr=_speak_utf8(sys.stderr or open(2, "w", closefd=False)),
        )

    @cached_property
    def config_directory(self) -> Path:
        """Where the user's settings and secrets are. Raises NoHome."""
        if self.directories:
            return self.directories[0]
        import platformdirs

        try:
            return platformdirs.user_config_path("chatty", appauthor=False)
        except RuntimeError:
            raise NoHome("XDG_CONFIG_HOME") from None

    @cached_property
    def state_directory(self) -> Path:
        """Where chatty remembers things between commands. Raises NoHome."""
        if self.directories:
            return self.directories[1]
        import platformdirs

        try:
            return platformdirs.user_state_path("chatty", appauthor=False)
        except RuntimeError:
            raise NoHome("XDG_STATE_HOME") from None

    def convenience(self, name: str) -> Path:
        """The file ``name`` of `state_directory`, for what one can do without: without a home, nothing is kept."""
        try:
            return self.state_directory / name
        except NoHome:
            return Path(os.devnull)

    def color(self, choice: bool | None = None, stream: TextIO | None = None) -> bool:
        """Whether to write colours to ``stream`` (by default, standard output).

        ``choice`` is the option's and goes first; then ``NO_COLOR``, then
        ``FORCE_COLOR``; else it depends on whether a terminal shows colours.
        """
        if choice is not None:
            return choice
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return True
        return (stream or self.stdout).isatty() and self.environ.get("TERM") != "dumb"

    def out(self, text: str) -> None:
        """Write a line to standard output at once. Raises ReaderGone if nobody reads it any more."""
        try:
            self.stdout.write(text + "\n")
            self.stdout.flush()
        except BrokenPipeError:
            raise ReaderGone from None

    def err(self, text: str) -> None:
        """Write a line to standard error. It isn't an error if nobody can see it."""
        try:
            self.stderr.write(text + "\n")
            self.stderr.flush()
        except OSError:
            return


def _speak_utf8(stream: TextIO) -> TextIO:
    # Chatty's data is UTF-8 whatever the locale says; a lone surrogate must not end a command.
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream
