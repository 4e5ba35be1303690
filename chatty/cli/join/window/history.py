"""The lines that were typed before, for Up and Down: a file that only its owner can read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from prompt_toolkit.history import History

from chatty.credentials import is_shown_in

__all__ = ["FileHistory"]

KEPT: Final = 1_000
"""Entries kept when the file is tidied, which happens when it holds twice as many."""

_decode = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode


class FileHistory(History):
    """Entries as JSON strings, one a line, newest last. An entry that begins with a space is never stored, nor is one
    with a secret, such as an invitation.

    Terminals may share the file. If it can't be read or written, ``warn`` is
    called with the reason, and chatting goes on without it.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        super().__init__()
        self._path = path
        self._warn = warn

    def load_history_strings(self) -> Iterable[str]:
        """The entries, newest first."""
        try:
            lines = self._path.read_bytes().splitlines()
            if len(lines) >= 2 * KEPT:
                lines = lines[-KEPT:]
                self._tidy(lines)
        except FileNotFoundError:
            return
        except OSError as error:
            self._warn(f"the history of what you typed can't be read: {error}")
            return
        for line in reversed(lines):
            try:
                yield _decode(line)
            except msgspec.DecodeError:  # cut short by a full disk or a crash: one entry is gone, no more
                continue

    def append_string(self, string: str) -> None:
        """Keep an entry, for now and in the file, unless it begins with a space, or has a secret."""
        if not string.startswith(" ") and not is_shown_in(string):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Append an entry to the file."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._path, os.O_APPEND, _encode(string) + b"\n")
        except OSError as error:
            self._warn(f"the history of what you typed can't be kept: {error}")

    def _tidy(self, lines: list[bytes]) -> None:
        beside = self._path.with_suffix(".new")
        self._write(beside, os.O_TRUNC, b"".join(line + b"\n" for line in lines))
        beside.replace(self._path)

    @staticmethod
    def _write(path: Path, how: int, data: bytes) -> None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "wb") as file:
            file.write(data)
