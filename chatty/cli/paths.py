"""The paths that people write in options, variables and files."""

from __future__ import annotations

from pathlib import Path

__all__ = ["as_path"]


def as_path(text: str | Path) -> Path:
    """The path that ``text`` means: ``~`` is the home, also where no shell has seen it. Raises ValueError."""
    given = str(text)
    if not given:
        raise ValueError("a path can't be empty")
    if not given.startswith("~"):  # ./~ does not: as a Path it would
        return Path(given)
    try:
        return Path(given).expanduser()
    except RuntimeError:
        if given.split("/")[0] == "~":
            raise ValueError(f"{given!r}: this user has no home directory; name a path without ~") from None
        raise ValueError(f"{given!r}: there is no such user; a file of that name is ./{given}") from None
