"""What `send` makes of its input: one message a line, and nothing changed in silence."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.scripting.lines import Lines, Odd, uncolored_rows
from chatty.protocol import MESSAGE_BYTES

PIECES = st.sampled_from(
    [
        *(b"\n", b"\n\n", b"a", b" ", b"\t", b"\x00", b"\r\n", b"\xff", b"\xe2\x82", "€".encode(), "😀".encode()),
        *(b"\x1b[1;31m", b"\x1b", b"[", b"0m", b"\xc2\x9b", b"\r", b"\x1b[" + b"1;" * 40),
        *(b"x" * MESSAGE_BYTES, b" " * MESSAGE_BYTES, "é".encode() * 9_000, b"\xff" * 6_000, b"y" * 40_000),
    ]
)
INPUT = st.lists(PIECES, max_size=12).map(b"".join)


def messages(data: bytes, cuts: list[int] | None = None, *, strict: bool = False, raw: bool = False) -> list[str]:
    lines = Lines(strict=strict, raw=raw)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    found = [text for start, end in pairwise(edges) for text in lines.feed(data[start:end])]
    return found + list(lines.end())


@given(INPUT, st.lists(st.integers(0, 200_000), max_size=8))
def test_how_the_input_was_cut_into_chunks_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    assert messages(data, cuts) == messages(data)


@given(INPUT)
def test_every_message_is_one_that_a_server_takes(data: bytes) -> None:
    for text in messages(data):
        assert text
        assert not text.isspace()
        assert len(text.encode()) <= MESSAGE_BYTES


@given(INPUT)
def test_nothing_but_blank_is_lost(data: bytes) -> None:
    def told(text: str) -> str:
        return "".join(text.split())

    assert told("".join(messages(data, raw=True))) == told(data.decode("utf-8", "replace"))


@given(INPUT)
def test_nothing_but_colours_is_left_out(data: bytes) -> None:
    plain, _ = uncolored_rows(data.decode("utf-8", "replace"))
    assert "".join("".join(messages(data)).split()) == "".join(plain.split())


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])).filter(lambda text: text.strip()))
def test_a_line_goes_as_it_is_whatever_it_holds(text: str) -> None:
    assert messages(f"{text}\n".encode(), raw=True) == [text]


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_colour_that_is_torn_by_a_chunk_or_by_the_longest_message_is_left_out(cut: int) -> None:
    begin = "x" * (MESSAGE_BYTES - 10)
    line = f"{begin}\x1b[38;5;12m{'y' * 10}\x1b[0m\r\n".encode()
    assert messages(line, [len(begin) + cut]) == [f"{begin}{'y' * 10}"]
    assert messages(line * 2, [len(begin) + cut, len(line) + cut]) == [f"{begin}{'y' * 10}"] * 2


def test_what_only_looks_like_a_colour_stays() -> None:
    texts = ["\x1b[2J", "\x1b[1;31", "\x1b", "\x1b[\x1b[x", "a\rb", f"\x1b[{'1' * 65}m", "\x9b2K"]
    assert messages("\n".join(texts).encode()) == texts
    assert messages(b"\x1b[\x1b[1mm") == ["\x1b[m"]  # what is left is looked at no second time, wherever it was cut


def test_what_was_changed_is_counted_by_line() -> None:
    lines = Lines()
    data = b"ok\r\n\n \r\n\x1b[m\n" + b"x" * (2 * MESSAGE_BYTES + 1) + b"\n\xffa\xff\nlast"
    sent = [*lines.feed(data), *lines.end()]
    assert (lines.blank, lines.split, lines.repaired, lines.uncolored) == (3, 1, 1, 1)
    assert sent == ["ok", "x" * MESSAGE_BYTES, "x" * MESSAGE_BYTES, "x", "\ufffda\ufffd", "last"]


def test_a_line_is_split_between_characters() -> None:
    line = "a" + "€" * MESSAGE_BYTES
    sent = messages(line.encode())
    assert "".join(sent) == line
    assert len(sent[0].encode()) in range(MESSAGE_BYTES - 2, MESSAGE_BYTES + 1)


def test_a_line_that_just_fits_is_not_split() -> None:
    assert messages(b"x" * MESSAGE_BYTES + b"\n") == ["x" * MESSAGE_BYTES]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "blank"),
        (b" \t", "blank"),
        (b"\xff", "UTF-8"),
        (b"\x1b[mx", "colours"),
        (b"x\r", "CR"),
        (b"x" * (MESSAGE_BYTES + 1), "too long"),
    ],
)
def test_strict_refuses_the_whole_line_and_says_which(line: bytes, why: str) -> None:
    lines = Lines(strict=True)
    messages = lines.feed(b"one\ntwo\n" + line + b"\nfour\n")
    assert [next(messages), next(messages)] == ["one", "two"]
    with pytest.raises(Odd, match=why) as odd:
        next(messages)
    assert odd.value.number == 3


def test_strict_says_which_line_of_a_long_input_without_an_end() -> None:
    with pytest.raises(Odd) as odd:
        messages(b"one\n" + b"x" * 100_000, [5_000, 40_000], strict=True)
    assert odd.value.number == 2
