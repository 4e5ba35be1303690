"""The server's output on standard error: text for people, or one JSON object per line for machines.

It never contains a room's id, a key, a token or a message.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from typing import Any, Final, TextIO

import structlog

from chatty.server import request_ids

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

# Without local variables, because they hold keys and messages.
_TRACEBACKS: Final = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def _add_request_id(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the id of the request in whose context a line is logged."""
    if request_id := request_ids.current():
        event["request_id"] = request_id
    return event


_COMMON: Final[tuple[structlog.typing.Processor, ...]] = (
    _add_request_id,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_AS_JSON: Final[tuple[structlog.typing.Processor, ...]] = (
    *_COMMON,
    structlog.processors.ExceptionRenderer(_TRACEBACKS),
    structlog.processors.JSONRenderer(ensure_ascii=False),
)


class Notices:
    """Output at any log level, at the start and the end: a line of text, or an object as in the log."""

    def __init__(self, form: str, out: TextIO) -> None:
        """``form`` is ``text`` or ``json``."""
        self._as_json = form == "json"
        self._out = out

    @property
    def are_for_a_person(self) -> bool:
        """Whether they go to a terminal, and not to a file or journal that others can read."""
        return not self._as_json and self._out.isatty()

    def say(self, text: str, *, level: str = "info", **details: str) -> None:
        """Print ``text``. In JSON, ``details`` are added to it."""
        prefix = "warning: " if level == "warning" else ""
        self._write(_json_line(level, {"event": text, **details}) if self._as_json else f"{prefix}{text}")

    def fail(self, text: str, hint: str) -> None:
        """Print why the server ends, for people. Machines find it in the log."""
        if not self._as_json:
            self._write(f"error: {text}\nhint:  {hint}")

    def _write(self, lines: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a full disk, or a reader that is gone
            self._out.write(lines + "\n")
            self._out.flush()


class _Lossy(structlog.PrintLogger):
    """Drops lines that can't be written, on a full disk or to a closed pipe, so that logging never ends the server."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    debug = info = warning = error = msg


class _JsonFormatter(logging.Formatter):
    """Formats the records of libraries and of Python itself."""

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
        processors=list(processors),  # structlog's own tests change them in place
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Lossy(out),
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logging.basicConfig(level=max(LEVELS[level], logging.WARNING), handlers=[handler])
    logging.raiseExceptions = False  # a line that can't be written is dropped, without a traceback
    logging.captureWarnings(True)
    # It logs every malformed request, and prints the peer's bytes.
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    log = structlog.get_logger("chatty")
    # Otherwise Python would print these itself, and always as text.
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
