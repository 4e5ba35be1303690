"""A full look at the data, for `chatty doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chatty.server.platform.database import check as check_database

DATABASE: Final = "chatty.db"
"""The database's name within a data directory."""


def check(data: Path) -> list[str]:
    """Everything that is wrong with the data directory ``data``; empty when it is sound."""
    database = data / DATABASE
    if not database.exists():
        return [f"there is no {DATABASE} in {data}"]
    return check_database(database)
