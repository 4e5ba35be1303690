"""Tells a person who looks elsewhere: by the bell, a notification of the terminal's, or a command."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from chatty.cli.terminal.cleaning import one_line

__all__ = ["Notifier"]

BELL: Final = "\a"
CHARACTERS: Final = 200
"""Characters of a title or text that are shown outside."""
SECONDS: Final = 10.0
"""Seconds after which a command is killed."""


class _Terminal(NamedTuple):
    """A kind of terminal: the values of ``variable`` begin with one of these, and it knows the sequence ``osc``.

    If only some of its kind do, it is rung for as well.
    """

    variable: str
    beginnings: tuple[str, ...]
    osc: int
    sure: bool = True


_TERMINALS: Final = (
    _Terminal("TERM", ("xterm-ghostty", "foot", "wezterm", "contour"), 777),
    _Terminal("TERM", ("rxvt-unicode",), 777, sure=False),  # if an extension is loaded
    _Terminal("TERM", ("xterm-kitty",), 9),
    _Terminal("TERM_PROGRAM", ("ghostty", "WezTerm"), 777),
    _Terminal("TERM_PROGRAM", ("iTerm.app",), 9),
    _Terminal("LC_TERMINAL", ("iTerm2",), 9),  # ssh passes it on
    _Terminal("KITTY_WINDOW_ID", ("",), 9),
    _Terminal("VTE_VERSION", ("",), 777, sure=False),  # as some distributions build it
    _Terminal("KONSOLE_VERSION", ("",), 777, sure=False),
    _Terminal("WT_SESSION", ("",), 9, sure=False),  # newer ones
)


class Notifier:
    """Notifies, as the setting ``notify`` says.

    ``write`` writes to the terminal, and None if there is none. ``environ``
    tells which one it is. ``failed`` is called with the reason when a command
    fails, once until it is another command. `run` has to run meanwhile.
    """

    def __init__(
        self, write: Callable[[str], None] | None, environ: Mapping[str, str], failed: Callable[[str], None]
    ) -> None:
        self._write = write
        self._environ = environ
        self._failed = failed
        self._told = ""
        self._due: tuple[str, str, str] | None = None
        self._is_due = asyncio.Event()

    def notify(self, how: str, title: str, text: str) -> None:
        """Notify of ``text``, which may be by anybody. ``how`` is the setting's value.

        Of several that a command is due for, it gets the latest.
        """
        title, text = _fit(title), _fit(text)
        if how == "off":
            return
        if how not in ("bell", "osc"):
            self._due = how, title, text
            self._is_due.set()
        elif self._write is not None:
            self._write(_sequence(self._environ, title, text) if how == "osc" else BELL)

    async def run(self) -> None:
        """Run commands as they are due, one at a time, until cancelled."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            due, self._due = self._due, None
            if due is not None:
                await self._run(*due)

    async def _run(self, command: str, title: str, text: str) -> None:
        why = ""
        try:
            # Never by a shell: it would obey what is in the text.
            process = await asyncio.create_subprocess_exec(
                *shlex.split(command),
                *(title, text),
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=DEVNULL,
                env=dict(self._environ),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = f"can't be started ({getattr(error, 'strerror', None) or error})"
        else:
            why = await _ended(process)
        if why and command != self._told:
            self._failed(f"the command of notify {why}: {command}")
        self._told = command if why else ""


async def _ended(process: Process) -> str:
    """Wait until ``process`` has ended, or end it. Gives what went wrong, if anything did."""
    try:
        async with asyncio.timeout(SECONDS):
            status = await process.wait()
        return f"failed with status {status}" if status else ""
    except TimeoutError:
        return f"was ended after {SECONDS:.0f} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _fit(text: str) -> str:
    """``text`` on one line, with nothing in it that a terminal or a command could obey."""
    text = one_line(text, CHARACTERS * 10)
    text = f" {text}" if text.startswith("-") else text  # else a command could take it for an option
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"


def _sequence(environ: Mapping[str, str], title: str, text: str) -> str:
    """The terminal's own notification, if it is known to have one; else the bell."""
    terminal = next(
        (one for one in _TERMINALS if one.variable in environ and environ[one.variable].startswith(one.beginnings)),
        None,
    )
    if terminal is None or "STY" in environ or environ.get("TERM", "dumb") in ("dumb", "linux"):
        return BELL
    if terminal.osc == 777:  # its parts have semicolons between them
        sequence = f"\x1b]777;notify;{title.replace(';', ',')};{text.replace(';', ',')}{BELL}"
    else:
        sequence = f"\x1b]9;{title}: {text}{BELL}"
    if "TMUX" not in environ:
        return sequence if terminal.sure else sequence + BELL
    escaped = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{escaped}\x1b\\{BELL}"  # it passes that on if allow-passthrough is on
