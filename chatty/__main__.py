"""``python -m chatty`` is the ``chatty`` command."""

from __future__ import annotations

from chatty.cli import main

if __name__ == "__main__":
    main()
