"""Markdown in a chat: styled where it is meant, left alone where it isn't, and harmless always."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatty.cli.join.rendering.markdown import (
    HIGHLIGHTED_CHARACTERS,
    HIGHLIGHTED_COLUMNS,
    HIGHLIGHTED_LINES,
    LANGUAGES,
    PIECES,
    has_markup,
    rows,
)
from chatty.cli.terminal.cleaning import clean
from chatty.protocol import MESSAGE_BYTES

ODD = [*"*_`~[]()>-#\\ \n.ab/", "\x1b", "```", "https://", "é", "\u0301" * 4, "*\ufe0f\u20e3", "👩\u200d🚀"]
MARKUP = st.lists(st.sampled_from(ODD), max_size=60).map("".join)


def plain(text: str) -> str:
    return "\n".join(row.text.plain for row in rows(text))


def styled(text: str) -> list[tuple[str, str]]:
    """What has a style, and which."""
    return [
        (row.text.plain[span.start : span.end], str(span.style))
        for row in rows(text)
        for span in row.text.spans
        if span.style
    ]


@pytest.mark.parametrize(
    ("text", "shown", "styles"),
    [
        ("a **b c** d", "a b c d", [("b c", "bold")]),
        ("*b*, _c_", "b, c", [("b", "italic"), ("c", "italic")]),
        ("***b***", "b", [("b", "bold italic")]),
        ("~~b~~", "b", [("b", "strike")]),
        ("*a **b** c*", "a b c", [("b", "bold"), ("a b c", "italic")]),
        ("(**b**)!", "(b)!", [("b", "bold")]),
        ("这是**粗体**文字", "这是粗体文字", [("粗体", "bold")]),
        (r"\*b\*", "*b*", []),
        ("run `ls *x*` now", "run `ls *x*` now", [("`", "dim"), ("ls *x*", "cyan"), ("`", "dim")]),
        ("``a`b``", "``a`b``", [("``", "dim"), ("a`b", "cyan"), ("``", "dim")]),
        ("> so **b**", "▌ so b", [("▌ ", "dim"), ("b", "bold")]),
        ("- a\n  * b\n1. c", "• a\n  • b\n1. c", []),
    ],
)
def test_markup_becomes_styles(text: str, shown: str, styles: list[tuple[str, str]]) -> None:
    assert has_markup(text)
    assert plain(text) == shown
    assert styled(text) == styles


@pytest.mark.parametrize(
    "text",
    [
        *("snake_case_name", "__init__.py", "2 * 3 * 4", "2**3**4", "*.py and *.md", "f(*args, **kwargs)", "/a/_b_/c"),
        *(
            "char **argv, **envp",
            "*open",
            "a `tick",
            "~~x",
            "[a] (b)",
            "[a](b c)",
            "a > b",
            "-x",
            "--",
            "***",
            "C:\\x_y",
        ),
        *("https://example.org/_a_/b_c_d*", "# heading", ">>> print(1)", "[bold red]x[/]", ":smile:"),
    ],
)
def test_what_is_no_markup_stays_as_it_is(text: str) -> None:
    assert (plain(text), styled(text)) == (text, [])


@pytest.mark.parametrize("text", ["hello there", "it's 12:30, isn't it?", "a-b", "5 > 4", "one\ntwo", "héllo 🎉"])
def test_most_texts_are_known_to_have_none(text: str) -> None:
    assert not has_markup(text)


@given(MARKUP)
def test_a_text_that_is_known_to_have_no_markup_is_shown_as_it_is(text: str) -> None:
    if not has_markup(text):
        assert (plain(text), styled(text)) == (text, [])


def test_a_link_always_shows_its_address_and_is_none_of_the_terminals() -> None:
    text = "see [https://good.example](https://evil.example/_x_)"
    assert plain(text) == "see https://good.example (https://evil.example/_x_)"
    assert all(
        span.style.link is None for row in rows(text) for span in row.text.spans if not isinstance(span.style, str)
    )


def test_marks_around_an_address_are_marks_and_those_in_it_are_not() -> None:
    assert plain("**https://example.org/a_b_c** _https://example.org/x_") == (
        "https://example.org/a_b_c https://example.org/x"
    )


def test_a_block_of_code_is_kept_to_the_letter() -> None:
    code = "def f(x):\n\treturn  '*a*'  # hi\n\n\n    > q\n"
    block = [row.text.plain for row in rows(f"look\n```python\n{code}\n```\nso") if row.code]
    assert "\n".join(block) == code


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_its_lexer_and_keeps_the_code(language: str) -> None:
    code = 'if (a < 1) { "b": 2 } # 3\n\tx: "y"\n'
    found = list(rows(f"```{language}\n{code}\n```"))
    assert "\n".join(row.text.plain for row in found if row.code) == code
    assert any(row.text.spans for row in found if row.code) or language in ("diff", "patch")


def test_a_fence_says_its_language_and_needs_no_end() -> None:
    assert plain("```python\nx = 1") == "── python\nx = 1"
    assert plain("~~~\n**x**\n```\n~~~") == "── code\n**x**\n```"


@pytest.mark.parametrize(
    "code",
    [
        "return 1\n" * HIGHLIGHTED_LINES,
        "return " * (HIGHLIGHTED_COLUMNS // 7 + 1),
        ("return " * 20 + "\n") * (HIGHLIGHTED_CHARACTERS // 140 + 1),
    ],
)
def test_long_code_and_code_of_an_unknown_language_are_plain(code: str) -> None:
    assert not any(row.text.spans for row in rows(f"```python\n{code}\n```") if row.code)
    assert not any(row.text.spans for row in rows("```nosuch\nreturn 1\n```") if row.code)
    assert any(row.text.spans for row in rows("```Python 3\nreturn 1\n```") if row.code)
    assert not any(row.text.spans for row in rows("```python\nreturn 1\n```", highlight=False) if row.code)


def test_a_text_with_too_many_marks_is_shown_as_it_is_from_there_on() -> None:
    line = "*a* " * PIECES
    assert plain(f"*b*\n{line}\n*c*") == f"b\n{line}\nc"
    many = "*a*\n" * (PIECES + 2)
    assert plain(many) == "a\n" * (PIECES + 1) + "*a*\n"


@given(MARKUP)
@example("a" + "\u0301" * 4 + "*" + "\u0301" * 4 + "b*")
@example("a" + "\u0301" * 4 + "[" + "\u0301" * 4 + "b](c)")
@example("*\ufe0f\u20e3 b*")
def test_a_clean_text_stays_clean_and_nothing_foreign_comes_in(text: str) -> None:
    ours = set("▌ •─code() \n")
    assert set(plain(clean(text))) <= set(clean(text)) | ours
    assert clean(plain(clean(text))) == plain(clean(text))


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "*",
            "**a ",
            "`",
            "[",
            "[a](",
            "[a](bbb",
            "[a](b) ",
            "`a` ",
            "https://",
            "\\*",
            "~~",
            "*a* ",
            " *a",
            "> ",
            "`a ``b ",
        ),
        *("- x\n", "*a*\n", "```\n", "```python\nx\n```\n", "``` "),
    ],
)
def test_no_text_takes_long(pattern: str) -> None:
    text = (pattern * MESSAGE_BYTES)[:MESSAGE_BYTES]
    begun = time.process_time()
    list(rows(text))
    assert time.process_time() - begun < 2  # tens of milliseconds; what grows with the square takes minutes
    many_ticks = "".join("`" * length + "x" for length in range(1, 180))
    list(rows(many_ticks + "```" + " " * MESSAGE_BYTES + "`"))
