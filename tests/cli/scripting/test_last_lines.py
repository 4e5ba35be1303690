"""The room is shown the last lines of a command's output: so many, safe, and without secrets."""

from __future__ import annotations

import re

from chatty.cli.scripting.last_lines import LAST_BYTES, LAST_LINES, LastLines, command_line, in_code_block


def shown(data: bytes, *patterns: str, ended: bool = True) -> str:
    lines = LastLines([re.compile(pattern) for pattern in patterns])
    for start in range(0, len(data), 7):
        lines.feed(1, data[start : start + 7])
    return lines.text(ended=ended)


def test_there_are_so_many_lines_and_no_more() -> None:
    data = b"".join(b"%d\n" % number for number in range(1_000))
    assert shown(data).split("\n") == [str(number) for number in range(1_000 - LAST_LINES, 1_000)]
    wide = shown(b"".join(b"%03d" % number + b"x" * 400 + b"\n" for number in range(100)))
    assert LAST_BYTES - 500 < len(wide) <= LAST_BYTES
    assert wide.split("\n")[-1].startswith("099x")


def test_a_line_without_an_end_is_bounded() -> None:
    assert shown(b"x" * 300_000) == "x" * 499 + "…"


def test_escapes_are_left_out_and_a_progress_bar_shows_where_it_is() -> None:
    assert shown(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n") == "red link"
    assert shown(b"10%\r50%\r\x1b[K99%\r\n100%\r", ended=False) == "99%\n100%"
    assert shown(b"n\x08na\x08am\x08me\x08e \x00\x9b31m\n") == "name ␀\ufffd31m"


def test_half_a_secret_is_not_shown() -> None:
    assert shown(b"a\npassword=hun", "password=hunter2", ended=False) == "a"
    assert shown(b"a\npassword=hunter2", "password=hunter2") == "a\nREDACTED"
    assert shown(b"abc", "x*") == "abc", "what matches no character hides nothing"
    assert shown(b"x" * 490 + b"password=hunter2\n", "password=hunter2") == "x" * 490 + "REDACTED"


def test_a_block_of_code_holds_any_text() -> None:
    assert in_code_block("a\n````\nb") == "`````\na\n````\nb\n`````"


def test_a_command_is_shown_on_one_line_as_one_would_type_it() -> None:
    assert command_line(["sh", "-c", "a\nb  'c'"], []) == "sh -c 'a␊b  '\"'\"'c'\"'\"''"
    assert command_line(["curl", "it's secret"], [re.compile("it's secret")]) == "curl REDACTED"
    assert command_line(["curl", "--password", "x"], [re.compile(r"--password \S+")]) == "curl REDACTED"
    assert len(command_line(["x" * 1_000], [])) == 200
