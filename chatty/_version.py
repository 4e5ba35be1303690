"""The version, on its own so that ``chatty --version`` and the build read it without importing anything."""

from __future__ import annotations

__version__ = "0.1.0"
