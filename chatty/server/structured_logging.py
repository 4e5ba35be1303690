"""What the server prints on standard error: text for people, or one JSON object a line for machines.

Never a room's id, a key, a token or a text.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from typing import Any, Final, TextIO

import structlog

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

# Without the frames' locals: they hold keys and texts.
_TRACEBACKS: Final = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
_COMMON: Final[tuple[structlog.typing.Processor, ...]] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_AS_JSON: Final[tuple[structlog.typing.Processor, ...]] = (
    *_COMMON,
    structlog.processors.ExceptionRenderer(_TRACEBACKS),
    structlog.processors.JSONRenderer(ensure_ascii=False),
)


class Notices:
    """What is said at any log level, at the start and the end: a line of text, or an object like the log's."""

    def __init__(self, form: str, out: TextIO) -> None:
        """``form`` is ``text`` or ``json``."""
        self._as_json = form == "json"
        self._out = out

    @property
    def are_for_a_person(self) -> bool:
        """Whether they go to a terminal, and not where they are kept and others read them."""
        return not self._as_json and self._out.isatty()

    def say(self, text: str, *, level: str = "info", **details: str) -> None:
        """Say ``text``, which in JSON has ``details`` besides."""
        prefix = "warning: " if level == "warning" else ""
        self._write(_json_line(level, {"event": text, **details}) if self._as_json else f"{prefix}{text}")

    def fail(self, text: str, hint: str) -> None:
        """Say why the server ends, for people: machines have the log."""
        if not self._as_json:
            self._write(f"error: {text}\nhint:  {hint}")

    def _write(self, lines: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a full disk, or a reader that is gone
            self._out.write(lines + "\n")
            self._out.flush()


class _Lossy(structlog.PrintLogger):
    """Loses what can't be written, on a full disk or where nobody reads: it mustn't end what it is about."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    debug = info = warning = error = msg


class _JsonFormatter(logging.Formatter):
    """For what libraries and Python itself log."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {"event": record.getMessage(), "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        return _json_line(record.levelname.lower(), event)


def set_up(level: str, form: str, out: TextIO) -> Notices:
    """Log at ``level`` or above to ``out``, as ``text`` or ``json``. Raises KeyError for an unknown level."""
    if form == "json":
        processors = _AS_JSON
        formatter: logging.Formatter = _JsonFormatter()
    else:
        plain = structlog.dev.plain_traceback
        console = structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0, exception_formatter=plain)
        processors = (*_COMMON, console)
        formatter = logging.Formatter("%(levelname)s %(message)s")
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Lossy(out),
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logging.basicConfig(level=max(LEVELS[level], logging.WARNING), handlers=[handler])
    logging.raiseExceptions = False  # what can't be written is lost, without a traceback in its place
    logging.captureWarnings(True)
    # It logs a line for each malformed request, and lines with the peer's bytes in them.
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    log = structlog.get_logger("chatty")
    # What nobody catches is printed by Python itself otherwise, as text.
    threading.excepthook = lambda args: log.error(
        "a thread failed", thread=args.thread.name if args.thread else "", exc_info=args.exc_value
    )
    sys.unraisablehook = lambda args: log.error(
        args.err_msg or "an error could not be raised",
        about=getattr(args.object, "__qualname__", type(args.object).__name__),
        exc_info=args.exc_value,
    )
    return Notices(form, out)


def _json_line(level: str, event: Any) -> str:
    for processor in _AS_JSON:
        event = processor(None, level, event)
    return str(event)
