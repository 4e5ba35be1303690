"""Lengths of time are written in one way everywhere."""

from __future__ import annotations

import pytest

from chatty.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30), ("30s", 30), (" 5m ", 300), ("1.5m", 90), ("24h", 86_400), ("7d", 604_800),
        ("2w", 1_209_600), ("500ms", 0.5), ("0", 0), ("0.25s", 0.25),
    ],
)  # fmt: skip
def test_a_number_and_a_unit_are_a_length_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "20y", "m", "-5m", "+5m", "1e3", "5 m", "5mm", "5M", "nan", "inf", "１２s", "1,5h", "1."]
)
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time; write 30s, 5m, 24h, 7d or 2w"):
        parse_duration(text)


def test_a_bare_number_is_refused_where_it_could_mean_something_else() -> None:
    assert parse_duration("10m", unit_needed=True) == 600
    with pytest.raises(ValueError, match="is not a length of time"):
        parse_duration("1795900000.5", unit_needed=True)
