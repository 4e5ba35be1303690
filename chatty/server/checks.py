"""Settings that cannot work are refused before anything is done with them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final

from chatty.durations import parse_duration
from chatty.protocol import ROOM_NAME_POINTS
from chatty.server import structured_logging as logs
from chatty.server.business.entries import Rejection
from chatty.server.business.names import check_room_name
from chatty.server.origins import check_hosts
from chatty.server.platform.network.access.sign_in import check_sign_in
from chatty.server.platform.network.addresses import TrustedProxies, is_loopback
from chatty.server.settings import SETTINGS, SettingError, Settings

_LONGEST_AGE: Final = 1e11
"""Seconds; some three thousand years."""


def check(settings: Settings, rooms: Sequence[str] = ()) -> None:
    """Raise SettingError for a value that cannot work. ``rooms`` are names of rooms to create."""
    for setting in SETTINGS:
        number = getattr(settings, setting.name)
        if setting.range and number and not setting.range.least <= number <= setting.range.most:  # nor is it NaN
            raise SettingError(
                f"{setting.option} (or {setting.variable}) cannot be {number}",
                f"choose 0, or from {setting.range.least} to {setting.range.most}. {setting.help}",
            )
    for name in rooms:
        checked = check_room_name(name, points=ROOM_NAME_POINTS)
        if isinstance(checked, Rejection):
            raise SettingError(f"{name!r} cannot be a room's name", checked.message[:1].lower() + checked.message[1:])
    check_hosts(settings)
    TrustedProxies(settings.trusted_proxy)
    if settings.access not in ("", "open", "token"):
        raise SettingError(f"unknown access {settings.access!r}", "choose open or token")
    if not is_loopback(settings.host) and not settings.access:
        raise SettingError(
            f"{settings.host} can be reached from other machines, and nothing would keep anybody out",
            "ask for credentials with --access token, let everybody in with --access open, or listen on 127.0.0.1",
        )
    check_sign_in(settings)
    if settings.log_level not in logs.LEVELS:
        raise SettingError(f"unknown log level {settings.log_level!r}", f"choose one of {', '.join(logs.LEVELS)}")
    if settings.log_format not in ("text", "json"):
        raise SettingError(f"unknown log format {settings.log_format!r}", "choose text or json")
    age_ms(settings.retain_age)
    _check_tracing(settings.tracing)


def _check_tracing(tracing: str) -> None:
    if tracing not in ("off", "otlp"):
        raise SettingError(f"unknown tracing {tracing!r}", "choose off or otlp")
    if tracing == "otlp":
        try:
            import_module("chatty.server.platform.pipeline.tracing")
        except ImportError:
            raise SettingError("--tracing needs OpenTelemetry", "pip install 'chatty-rooms[tracing]'") from None


def age_ms(text: str) -> int:
    """``30d`` as milliseconds; 0 for nothing."""
    if not text:
        return 0
    try:
        seconds = parse_duration(text, unit_needed=True)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_AGE:
        raise SettingError(
            f"{text!r} is not a length of time", "write 30d, 12h, 90m …; leave it out to keep everything"
        )
    return round(seconds * 1000)
