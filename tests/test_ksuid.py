"""Ids are KSUIDs as the original's servers and all other programs make them."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.ksuid import EPOCH, SIZE, as_text, new_ksuid

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
FIRST, LAST = "0" * 27, "aWgEPTl1tmebfsQzFP4bxwgy80V"


def as_bytes(text: str) -> bytes:
    number = 0
    for letter in text:
        number = number * 62 + ALPHABET.index(letter)
    return number.to_bytes(SIZE)


def second(text: str) -> int:
    return int.from_bytes(as_bytes(text)[:4])


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("0669F7EFB5A1CD34B5F99D1154FB6853345C9735", "0ujtsYcgvSTl8PAuAdqWYSMnLOv"),
        ("066A029C73FC1AA3B2446246D6E89FCD909E8FE8", "0ujzPyRiIAffKhBux4PvQdDqMHY"),
        ("00" * 20, FIRST),
        ("FF" * 20, LAST),
        ("00" * 19 + "3D", "0" * 26 + "z"),
        ("00" * 19 + "3E", "0" * 25 + "10"),
    ],
)
def test_the_specifications_examples_are_written_as_there(raw: str, text: str) -> None:
    assert as_text(bytes.fromhex(raw)) == text


@given(st.binary(min_size=SIZE, max_size=SIZE))
def test_a_ksuid_has_27_letters_and_digits_and_loses_nothing(raw: bytes) -> None:
    text = as_text(raw)
    assert len(text) == 27
    assert set(text) <= set(ALPHABET)
    assert as_bytes(text) == raw


@given(st.binary(min_size=SIZE, max_size=SIZE), st.binary(min_size=SIZE, max_size=SIZE))
def test_ksuids_sort_as_their_bytes_do(one: bytes, other: bytes) -> None:
    assert (as_text(one) < as_text(other)) == (one < other)


@pytest.mark.parametrize("size", [0, 19, 21])
def test_other_lengths_are_no_ksuids(size: int) -> None:
    with pytest.raises(ValueError, match=f"20 bytes, not {size}"):
        as_text(bytes(size))


def test_a_new_one_tells_its_second_and_later_ones_sort_behind_it() -> None:
    assert second(new_ksuid(EPOCH + 107_608_047.9)) == 107_608_047
    made = [new_ksuid(EPOCH + number) for number in range(100)]
    assert made == sorted(made)


def test_new_ones_of_one_second_are_never_alike() -> None:
    made = {new_ksuid(EPOCH + 1) for _ in range(1000)}
    assert len(made) == 1000
    assert len({as_bytes(text)[4 + byte] for text in made for byte in range(16)}) == 256  # random in every part


@pytest.mark.parametrize(
    ("now", "expected"), [(0, 0), (-1, 0), (EPOCH - 1, 0), (EPOCH + 2**32, 2**32 - 1), (1e12, 2**32 - 1)]
)
def test_a_clock_that_is_far_out_makes_ids_nevertheless(now: float, expected: int) -> None:
    assert second(new_ksuid(now)) == expected
    assert new_ksuid(now) != new_ksuid(now)
