"""Structured logs: text for people, JSON for machines. Never a room's id, a key, a token or a text."""

from __future__ import annotations

import contextlib
import logging
from typing import Final, TextIO

import structlog

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class _Lossy(structlog.PrintLogger):
    """Loses what can't be written, on a full disk or where nobody reads: it mustn't end what it is about."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    debug = info = warning = error = msg


def set_up(level: str, form: str, out: TextIO) -> None:
    """Log at ``level`` or above to ``out``, as ``text`` or ``json``. Raises KeyError for an unknown level."""
    # Without the frames' locals: they hold keys and texts.
    plain = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    renderer: structlog.typing.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
        final: list[structlog.typing.Processor] = [structlog.processors.ExceptionRenderer(plain), renderer]
    else:
        formatter = structlog.dev.plain_traceback
        final = [structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0, exception_formatter=formatter)]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *final,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Lossy(out),
    )
    logging.basicConfig(level=max(LEVELS[level], logging.WARNING), stream=out, format="%(levelname)s %(message)s")
    # It logs a line for each malformed request, and lines with the peer's bytes in them.
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
