"""What a log that several nodes share tells of itself, for monitoring."""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import fields


def _gauge(text: str) -> Any:
    return Meta(description=text, extra={"kind": "gauge"})


def _counter(text: str) -> Any:
    return Meta(description=text, extra={"kind": "counter"})


class LogFigures(Struct, frozen=True, kw_only=True):
    """A log's figures at one moment. A field's name is its metric's, less ``chatty_`` and a counter's ``_total``."""

    log_position: Annotated[int, _gauge("The log's last message that this node has applied.")]
    log_last: Annotated[int, _gauge("The log's last message that this node has heard of.")]
    log_lag_messages: Annotated[int, _gauge("Messages of the log that this node has yet to apply.")]
    log_republished: Annotated[int, _counter("Envelopes that were published again, because they did not come back.")]
    log_dropped: Annotated[int, _counter("Envelopes that came and had no effect: twice, overtaken or too late.")]
    log_elections: Annotated[int, _counter("Changes of the log's leader that this node has seen.")]
    log_reborn: Annotated[int, _counter("New incarnations that this node had to begin, because others ended its last.")]
    log_peers: Annotated[int, _gauge("Other nodes that this node hears.")]
    log_diverged: Annotated[int, _gauge("1 if this node's state differs from that of the others, else 0.")]
    clock_skew_seconds: Annotated[float, _gauge("How far this node's clock is ahead of the median of all nodes'.")]


class LogFigure(NamedTuple):
    """A row of the table."""

    field: str
    is_counter: bool
    text: str


def _table() -> tuple[LogFigure, ...]:
    described = get_type_hints(LogFigures, include_extras=True)
    rows = []
    for field in fields(LogFigures):
        (meta,) = described[field.name].__metadata__
        rows.append(LogFigure(field.name, meta.extra["kind"] == "counter", meta.description))
    return tuple(rows)


LOG_FIGURES: Final[tuple[LogFigure, ...]] = _table()
