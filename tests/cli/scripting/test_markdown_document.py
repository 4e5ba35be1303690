"""A Markdown document has each message as it was written, and none of them reaches beyond its place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatty.cli.scripting.markdown_document import MarkdownDocument, contained, literal
from chatty.events import Message
from chatty.protocol import RoomInfo

NOON = "2026-11-23T12:00:00.000Z"
READERS = [MarkdownIt("commonmark"), MarkdownIt("commonmark").enable("table")]
"""Those that know HTML and definitions of links, with and without GitHub's tables."""


def document(*messages: Message) -> str:
    made = MarkdownDocument(RoomInfo("id", "room", "", "", "", 1, 9, 0), local=lambda when: when)
    return "".join(made.format(message, b"") for message in messages)


def said(*texts: str) -> list[Message]:
    return [Message(number, NOON, "Ada", text) for number, text in enumerate(texts, 1)]


def html(markdown: str) -> str:
    return str(READERS[0].render(markdown))


def body(markdown: str) -> str:
    """The document without its title and day."""
    return markdown.split("## 2026-11-23\n\n")[1]


def flat(tokens: Sequence[Token]) -> list[Token]:
    return [each for token in tokens for each in (token, *(token.children or ()))]


def code(reader: MarkdownIt, markdown: str) -> list[str]:
    kinds = ("code_inline", "code_block", "fence")
    return [" ".join(token.content.split()) for token in flat(reader.parse(markdown)) if token.type in kinds]


def test_names_edits_deletions_replies_and_reactions_have_their_places() -> None:
    info = RoomInfo("id", "<b>\n# room", "", "", "", 1, 9, 0)
    made = MarkdownDocument(info, local=lambda when: when)
    messages = [
        Message(1, "2026-11-23T12:00:00.000Z", "_Ada_\n# x", "# heading", edited=7, reactions={"👍": 2, "<i>": 1}),
        Message(2, "2026-11-23T12:01:00.000Z", "Bob", "**x**", reply_to=1),
        Message(3, "2026-11-24T00:00:00.000Z", "Bob", "plain\n\nend", reply_to=99),
        Message(4, "2026-11-24T00:00:00.000Z", "Bob", "", deleted=8),
        Message(5, "2026-11-24T00:00:00.000Z", "<Bob>", "waves", action=True),
    ]
    assert "".join(made.format(message, b"") for message in messages) == (
        "# \\<b\\>␊\\# room\n\n"
        "## 2026-11-23\n\n"
        "**\\_Ada\\_␊\\# x** 12:00 *(edited)*\n\n"
        "> # heading\n\n"
        "> 👍 2  \\<i\\> 1\n\n"
        "**Bob** 12:01\n\n"
        "> ↪ *\\_Ada\\_␊\\# x: \\# heading*\n>\n"
        "> **x**\n\n"
        "## 2026-11-24\n\n"
        "**Bob** 00:00\n\n> ↪ *\\#99*\n>\n> plain\n>\n> end\n\n"
        "**Bob** 00:00 *(deleted)*\n\n"
        "**\\<Bob\\>** 00:00\n\n> \\* \\<Bob\\> waves\n\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("```cpp\n#include <stdio.h>\n```", '<pre><code class="language-cpp">#include &lt;stdio.h&gt;\n</code></pre>'),
        ("```\n~~~\n<b>", "<pre><code>~~~\n&lt;b&gt;\n</code></pre>"),
        ("````\n```\n<b>\n```\n````", "<pre><code>```\n&lt;b&gt;\n```\n</code></pre>"),
        ("```\nends in a blank  \n```", "<pre><code>ends in a blank  \n</code></pre>"),
        ("and `List<String>`", "<p>and <code>List&lt;String&gt;</code></p>"),
        ("`` a ` <b> `` <i> ` x", "<p><code>a ` &lt;b&gt;</code> &lt;i&gt; ` x</p>"),
        ("\tall: <b>", "<pre><code>all: &lt;b&gt;\n</code></pre>"),
        ("`a\n<b>`", "<p><code>a &lt;b&gt;</code></p>"),
        ("> `a\n> <b>\n> c`", "<blockquote>\n<p><code>a &lt;b&gt; c</code></p>\n</blockquote>"),
        ("`[x]: y`", "<p><code>[x]: y</code></p>"),
        ("<script>alert(1)</script> a < b", "<p>&lt;script&gt;alert(1)&lt;/script&gt; a &lt; b</p>"),
        ("\\<b> \\\\<b>", "<p>&lt;b&gt; \\&lt;b&gt;</p>"),
        ("<!-- y", "<p>&lt;!-- y</p>"),
        ("[x]: https://evil.example", "<p>[x]: https://evil.example</p>"),
        ("[x\ny]: https://evil.example", "<p>[x\ny]: https://evil.example</p>"),
        ("> [x]: https://evil.example", "<blockquote>\n<p>[x]: https://evil.example</p>\n</blockquote>"),
    ],
)
def test_code_stays_code_and_html_and_definitions_become_text(text: str, shown: str) -> None:
    assert html(body(document(*said(text)))) == (
        f"<p><strong>Ada</strong> 12:00</p>\n<blockquote>\n{shown}\n</blockquote>\n"
    )


def test_a_link_leads_where_its_own_message_says() -> None:
    made = html(document(*said("see [runbook] first", "[runbook]: https://evil.example", "[a](https://b.example)")))
    assert made.count("href") == 1
    assert '<a href="https://b.example">a</a>' in made


@pytest.mark.parametrize(
    "name", ["Ada&nbsp;", "*Ada*", "`Ada`", "<b>", "[a](b)", "_a_", "~~a~~", "a\\", "&#x41;", "#1", "a|b", "![a](b)"]
)
def test_a_name_reads_as_it_is(name: str) -> None:
    made = body(document(Message(1, NOON, name, "I approve")))
    for reader in READERS:
        strong = reader.parse(made)[1].children or []
        assert "".join(token.content for token in strong if token.type.startswith("text")) == f"{name} 12:00"


@pytest.mark.parametrize("reaction", ["-", "+", "1.", "1)", "#", ">", "```", "---", "*", "="])
def test_a_reaction_is_no_list_and_no_heading(reaction: str) -> None:
    made = body(document(Message(1, NOON, "Ada", "x", reactions={reaction: 2})))
    assert html(made).endswith(f"<blockquote>\n<p>{reaction.replace('>', '&gt;')} 2</p>\n</blockquote>\n")


PIECES = [
    "```", "~~~", "`", "``", "<b>", "<!--", "-->", "<script>", "</div>", "<?", "<![CDATA[", "<http://x>", "<a b='`'>",
    "[a]: /x", "[a]", "]:", "[^1]: y", "![i](x)", "- ", "1. ", "> ", "# ", "===", "---", "    ", "\t", "-\t```",
    "| a | b |", "|---|---|", "|", "\\", "&lt;", "text", " ", "\n", "\n\n", "*", "_", ":",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map("".join)


@given(st.lists(TEXTS, min_size=2, max_size=3))
def test_each_message_is_shown_as_if_it_were_alone(texts: list[str]) -> None:
    for reader in READERS:
        alone = [reader.render(body(document(message))) for message in said(*texts)]
        assert reader.render(body(document(*said(*texts)))) == "".join(alone)


@given(TEXTS)
def test_no_message_holds_html_or_a_definition(text: str) -> None:
    for reader in READERS:
        found: dict[str, object] = {}
        tokens = flat(reader.parse(document(*said(text)), found))
        assert not [token for token in tokens if token.type.startswith("html")]
        assert not found.get("references")


@given(TEXTS)
def test_code_is_the_same_as_in_the_message_itself(text: str) -> None:
    plain = MarkdownIt("commonmark").disable(["html_block", "html_inline", "reference", "autolink"])
    for reader in (plain, MarkdownIt("commonmark").disable(["html_block", "html_inline", "reference", "autolink"])):
        assert code(READERS[0], contained(text)) == code(reader, text)


@given(st.text())
def test_a_literal_text_has_no_markup(text: str) -> None:
    tokens = flat(READERS[0].parse(f"x{literal(text)}x"))
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}
