"""When somebody is spoken to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.join.rendering.mentions import is_mention


@pytest.mark.parametrize(
    "text",
    [
        *("@John ping", "hi @john", "john: ping", "so john: ping", "hi\njohn: ping", "@\uff2aohn", "John : bonjour"),
        *(
            "john, ping",
            "John， ping",
            "**john**, ping",
            "**John**: ping",
            "_John_: ping",
            "`john`: ping",
            "John、ping",
        ),
        *("\x1b[31m@john\x1b[0m ping", "\x1b[1mJohn\x1b[m: ping", "john：ping", "john:ping"),
    ],
)
def test_a_name_behind_an_at_before_a_colon_or_first_before_a_comma_is_a_mention(text: str) -> None:
    assert is_mention(text, "John")


@pytest.mark.parametrize(
    "text",
    [
        *("ask John", "JOHN", "(john)", "is it john's?", "**john**", "ask john, please", "hi\njohn, you", "john."),
        *("thanks john:)", "thanks john :)", "john://x", "john::x", "john :x"),
    ],
)
def test_a_name_alone_is_a_mention_only_as_a_word_to_highlight(text: str) -> None:
    assert not is_mention(text, "John")
    assert is_mention(text, "John", ["deploy", "John"])
    assert is_mention(text, "", ("John",))
    assert not is_mention(text, "John", ["deploy"])


@pytest.mark.parametrize(
    "text",
    [
        *("@John ping", "john: ping", "JOHN", "ask John, please", "(john)", "is it john's?", "**john**", "hi\njohn"),
        *("thanks john.", "john?!", "@\uff2aohn", "\u201cjohn\u201d", "john - are you there"),
    ],
)
def test_a_word_of_its_own_is_highlighted(text: str) -> None:
    assert is_mention(text, "", ["John"])


@pytest.mark.parametrize(
    "text", ["johnny", "bigjohn", "dave@john.example", "john@example.org", "john-smith", "x_john", "elton-john", ""]
)
def test_a_name_within_another_word_is_none(text: str) -> None:
    assert not is_mention(text, "John", ["John"])
    assert not is_mention(f"{text}: hi", "John", ["John"])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(
            ("@李雷你好", "李雷"),
            ("李雷你好", "李雷"),
            ("你好李雷！", "李雷"),
            ("谢谢@李雷", "李雷"),
            ("@李你好", "李"),
            ("李: 你好", "李"),
        ),
        *(
            ("Adaさん、こんにちは", "Ada"),
            ("@Adaは", "Ada"),
            ("山田さん", "山田"),
            ("ユキちゃん", "ユキ"),
            ("Ada你好", "Ada"),
        ),
        *(("สวัสดีสมชายครับ", "สมชาย"), ("@សុខាសួស្តី", "សុខា"), ("ສະບາຍດີ@ບຸນມີ", "ບຸນມີ"), ("@အောင်ကိုမင်္ဂလာပါ", "အောင်ကို")),
        *(
            ("철수야 안녕", "철수"),
            ("@철수님", "철수"),
            ("안녕@철수", "철수"),
            ("John님", "John"),
            ("지금 철수.", "철수"),
        ),
        *(("_@李雷_ please", "李雷"), ("**@John**", "John"), ("_please ask John_", "John"), ("~~John~~", "John")),
        *(("***@John***", "John"), ("_John please_", "John"), ("`@John`", "John"), ("__John__", "John")),
        *(("@नेहा नमस्ते", "नेहा"), ("José!", "JOSE\u0301"), ("@می‌خواهم x", "می‌خواهم"), ("\u2068John\u2069 hi", "John")),
        *(("\u200fJohn\u200f: hi", "John"), ("@John's", "John"), ("@john_: hi", "john_"), ("@Ada  L.", "Ada L.")),
        ("\U0001fac6John", "John"),
    ],
)
def test_a_word_ends_as_its_script_and_markdown_have_it(text: str, name: str) -> None:
    assert is_mention(text, "", [name])
    assert is_mention(text, name) == ("@" in text or ":" in text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(("@សុខា", "សុខ"), ("กิน", "ก"), ("@กีฬา", "ก")),
        *(
            ("नेहा", "नेह"),
            ("@नेहा", "नेह"),
            ("josé", "jose"),
            ("jose\u0301", "jose"),
            ("김철수 안녕", "철수"),
            ("李雷你好", "李"),
        ),
        *(("@john_ hi", "john"), ("john_smith", "john"), ("x_john", "john"), ("_x_john", "john"), ("۲john", "john")),
        *(("\u0928\u0940ada", "ada"), ("ada\u0301", "ada"), ("@@john", "john"), ("می‌خواهم", "می")),
    ],
)
def test_what_goes_on_in_its_script_is_another_word(text: str, name: str) -> None:
    assert not is_mention(text, name, [name])


@pytest.mark.parametrize("text", ["a\u0315\u0334" * 5_000, "a_" * 8_000, "李" * 5_000, "@" * 16_000])
def test_no_text_takes_long(text: str) -> None:
    """It would be minutes, if the time grew with the square of the length."""
    assert not is_mention(text, "Ada 李", ["李 Ada"])


@pytest.mark.parametrize("name", ["Ada L.", "[bot]", "c++", "日本", "@home", "a.b", "né", "*"])
def test_any_name_can_be_mentioned(name: str) -> None:
    assert is_mention(f"hello {name}, are you there", "", [name])
    assert is_mention(f"@{name} are you there", name)
    assert is_mention(f"{name}: are you there", name)
    assert is_mention(name.upper(), "", [name.lower()])


def test_a_name_is_no_pattern() -> None:
    assert not is_mention("@axb", "a.b", ["a.b"])


def test_nobody_is_never_mentioned() -> None:
    assert not is_mention("anything: @ , ", "", [""])


@given(st.text(), st.text())
def test_any_text_and_name_have_an_answer(text: str, name: str) -> None:
    assert is_mention(text, name, [text]) in (True, False)
