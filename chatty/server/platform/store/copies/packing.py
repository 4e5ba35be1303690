"""Makes a snapshot in a process of its own, of the lowest priority: ``python -m … DATABASE PACKED``.

In a thread it would share Python's lock, and the processor's time, with those who
wait for messages. It writes the log's generation and the position, or what is wrong.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chatty.server.platform.store.copies.snapshot import pack
from chatty.server.platform.store.errors import StoreError

LOWEST = 19


def main(database: str, packed: str) -> int:
    """The exit status: 1 if there is no snapshot."""
    os.nice(LOWEST)
    try:
        state = pack(Path(database), Path(packed))
    except (StoreError, OSError) as error:
        os.write(2, str(error).encode())
        return 1
    os.write(1, f"{state.generation} {state.position}".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
