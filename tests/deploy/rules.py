"""When each alert fires, and when it does not: series in Prometheus's notation, one value a minute, and a moment."""

from __future__ import annotations

from typing import Final, NamedTuple

Series = dict[str, str]


class Case(NamedTuple):
    """An alert fires at ``at`` with ``fires``, and not with any of ``quiet``."""

    at: str
    fires: Series
    quiet: tuple[Series, ...]


def _total(name: str, labels: str, firing: str, *quiet: str, at: str = "20m") -> Case:
    series = f'chatty_{name}_total{{instance="a",job="chatty",{labels}}}'
    return Case(at, {series: firing}, tuple({series: values} for values in quiet))


def _gauge(name: str, firing: str, *quiet: str, at: str = "20m", labels: str = "") -> Case:
    series = f'{name}{{instance="a",job="chatty"{labels}}}'
    return Case(at, {series: firing}, tuple({series: values} for values in quiet))


def _took(name: str, fast: float, slow: float) -> Case:
    """A histogram in which two of a hundred take longer than ``fast``, or in which none does."""

    def series(within: int) -> Series:
        counts = {str(fast): within, str(slow): 100, "+Inf": 100}
        return {
            f'chatty_{name}_seconds_bucket{{instance="a",job="chatty",le="{bound}"}}': f"0+{count}x40"
            for bound, count in counts.items()
        }

    return Case("30m", series(98), (series(100), dict.fromkeys(series(0), "0x40")))


def _ratio(part: str, whole: str, parts: tuple[int, int], of: int) -> Case:
    firing, quiet = ({_AT_A % part: f"{value}x30", _AT_A % whole: f"{of}x30"} for value in parts)
    return Case("20m", firing, (quiet,))


_AT_A: Final = '%s{instance="a",job="chatty"}'
_BUILD: Final = 'chatty_build_info{instance="%s",version="%s"}'
_MIB: Final = 1024 * 1024
_GIB: Final = 1024 * _MIB

CASES: Final[dict[str, Case]] = {
    "ChattyDown": _gauge("up", "1 1 0x20", "1x20", "0 1x20", at="10m"),
    "ChattyPartDown": _gauge("chatty_part_up", "1 0x20", "1x20", labels=',part="search"'),
    "ChattyRestarts": _gauge("process_start_time_seconds", "1 2 3 4x20", "1x20", "1 2 3x20"),
    "ChattyInternalErrors": _total("refusals", 'code="internal"', "0x15 1x10", "0x30", "7x30"),
    "ChattyUnavailable": _total("refusals", 'code="unavailable"', "0+5x30", "0x30", "0x10 1x20"),
    "ChattyOutOfDescriptors": _ratio("process_open_fds", "process_max_fds", (950, 850), 1000),
    "ChattySlowCommits": _took("commit", 0.1, 0.25),
    "ChattySlowDelivery": _took("delivery", 0.25, 0.5),
    "ChattyLoopLag": _took("loop_lag", 0.1, 0.25),
    "ChattySlowRequests": _took("request", 1.0, 2.5),
    "ChattyQueueGrows": _gauge("chatty_log_waiting", "9000x30", "100x30", "9000 10 9000 10x30"),
    "ChattySlowReaders": _total("closes", 'code="4008"', "0+10x40", "0+1x40", "0x10 30x30", at="30m"),
    "ChattyGaps": _total("gaps", 'reason="epoch"', "0x10 9x20", "0x30", "0x10 2x20"),
    "ChattyDenials": _total("denials", 'way="password",code="not_admitted"', "0+100x40", "0+10x40", at="30m"),
    "ChattyDiskFillsUp": _gauge(
        "chatty_disk_free_bytes", f"{10 * _GIB}-{8 * _MIB}x100", f"{99 * _GIB}x100", f"{10 * _GIB}-{_MIB}x100", at="90m"
    ),
    "ChattyDiskFull": _gauge("chatty_disk_free_bytes", f"{500 * _MIB}x20", f"{600 * _MIB}x20", at="10m"),
    "ChattyLongWriteAheadLog": _gauge("chatty_write_ahead_log_bytes", f"{300 * _MIB}x60", "4e6x60", at="50m"),
    "ChattyIndexBehind": _gauge("chatty_index_lag_events", "20000x40", "0x40", "20000x10 0x30", at="30m"),
    "ChattyMemory": _ratio("process_resident_memory_bytes", "chatty_memory_limit_bytes", (950, 800), 1000),
    "ChattyDiverged": _gauge("chatty_log_diverged", "0 1x20", "0x20"),
    "ChattyNodeLags": _gauge("chatty_log_lag_messages", "5000x30", "3x30", "5000 3 5000 3x30"),
    "ChattyNodeMissing": _gauge("chatty_log_peers", "2x10 1x20", "2x30", "0 1 2x30"),
    "ChattyClockSkew": _gauge("chatty_clock_skew_seconds", "-0.7x20", "0.2x20", "-0.2x20"),
    "ChattyElections": _total("log_elections", "", "0x10 5x20", "0x30", "0x10 1x20"),
    "ChattyNodeReborn": _total("log_reborn", "", "0x15 1x10", "1x30"),
    "ChattyRepublishing": _total("log_republished", "", "0+100x40", "0+10x40", at="30m"),
    "ChattyVersionsDiffer": Case(
        "90m",
        {_BUILD % ("a", 1): "1x120", _BUILD % ("b", 2): "1x120"},
        (
            {_BUILD % ("a", 1): "1x120", _BUILD % ("b", 1): "1x120"},
            {_BUILD % ("a", 1): "1x30", _BUILD % ("a", 2): "_x30 1x90"},
        ),
    ),
}  # fmt: skip
