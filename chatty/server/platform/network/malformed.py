"""Requests that never get to a handler, because HTTP itself does not allow them or they are too large to be read."""

from __future__ import annotations

from typing import Final, NamedTuple

from aiohttp.http_exceptions import LineTooLong

LINE_BYTES: Final = 8190
"""An address, and the most that aiohttp reads of it."""
HEADER_BYTES: Final = 8192
"""A header with its name. It is not `LINE_BYTES`, so that an error's limit says which of the two was too long."""
HEADERS: Final = 128

_TOO_MANY: Final = "Too many headers"


class Malformed(NamedTuple):
    """How to refuse such a request."""

    code: str
    status: int
    detail: str


def malformed(error: BaseException | None) -> Malformed:
    """What is wrong with a request that aiohttp could not read, by its ``error``."""
    if isinstance(error, LineTooLong) and error.args[1] == LINE_BYTES:
        return Malformed("too_large", 414, f"The address is longer than {LINE_BYTES} bytes.")
    if isinstance(error, LineTooLong):
        return Malformed(
            "too_large", 431,
            f"A header is longer than {HEADER_BYTES} bytes; perhaps another service on this host sets large cookies.",
        )  # fmt: skip
    if error is not None and _TOO_MANY in str(error):
        return Malformed("too_large", 431, f"There are more than {HEADERS} headers.")
    return Malformed("bad_request", 400, "This is not an HTTP request.")
