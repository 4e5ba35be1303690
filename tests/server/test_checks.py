"""Settings that cannot be are refused before anything is done by them."""

from __future__ import annotations

import sys
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chatty.server.checks import check
from chatty.server.settings import SETTINGS, Setting, SettingError, Settings

NUMBERS = [setting for setting in SETTINGS if setting.type in (int, float)]


def with_one(setting: Setting, value: Any) -> Settings:
    return replace(Settings(), **{setting.name: value})


def test_the_default_settings_are_valid() -> None:
    check(Settings())


@pytest.mark.parametrize("number", [-1, -0.5, 1e-300, 10**30, inf, -inf, nan])
@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_a_number_that_makes_no_sense_is_refused_with_those_that_do(setting: Setting, number: Any) -> None:
    with pytest.raises(SettingError, match=f"{setting.option} .* cannot be {number}".replace("+", r"\+")) as refused:
        check(with_one(setting, number))
    assert refused.value.hint.startswith("choose 0, or from ")
    assert refused.value.hint.endswith(setting.help)


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_zero_and_both_ends_of_its_range_are_numbers_for_every_setting(setting: Setting) -> None:
    assert setting.range is not None
    for number in (0, *setting.range):
        check(with_one(setting, number))


@pytest.mark.parametrize("age", ["-1d", "0s", "0d", "1", "d", "1y", "12345678d", "9" * 400 + "d"])
def test_something_that_is_not_a_length_of_time_is_refused(age: str) -> None:
    with pytest.raises(SettingError, match="is not a length of time"):
        check(Settings(retain_age=age))


@pytest.mark.parametrize("name", ["", " ", "x" * 129, "a\nb", "\udcff"])
def test_an_invalid_room_name_is_refused_before_anything_is_served(name: str) -> None:
    with pytest.raises(SettingError, match="cannot be a room's name"):
        check(Settings(), ["lobby", name])


def test_traces_need_their_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(Settings(data=tmp_path, tracing="otlp"))
    monkeypatch.delitem(sys.modules, "chatty.server.platform.pipeline.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)  # as where it is not installed
    with pytest.raises(SettingError) as refused:
        check(Settings(data=tmp_path, tracing="otlp"))
    assert "chatty-rooms[tracing]" in refused.value.hint
    with pytest.raises(SettingError):
        check(Settings(data=tmp_path, tracing="on"))
