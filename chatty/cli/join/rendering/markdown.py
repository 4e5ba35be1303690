"""Markdown as people write it in a chat, shown line by line: nothing is wrapped, joined or left out.

It knows ``**bold**``, ``*italics*`` and ``_italics_``, ``~~struck~~``, code
in backticks, fenced blocks of code, quotes, lists and links. It is more careful than
documents need: ``snake_case``, ``2 * 3 * 4``, ``*.py`` and a link's underscores stay as
they are. A link is text with its address beside it, never the terminal's own kind.

It makes styles, and copies characters: where nothing in a text commands a
terminal, nothing does afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from rich.style import Style
from rich.text import Text

__all__ = ["Row", "has_markup", "rows"]

HIGHLIGHTED_LINES: Final = 200
HIGHLIGHTED_COLUMNS: Final = 200
HIGHLIGHTED_CHARACTERS: Final = 8_000
"""Longer code, or code with a longer line, is shown plain: highlighting is slow, and somebody else chose the text."""
PIECES: Final = 500
"""Marks and links in one text; from a line on that brings more of them, it is shown as it is."""

LANGUAGES: Final = {
    "bash": "bash", "c": "c", "c++": "cpp", "cpp": "cpp", "css": "css", "diff": "diff", "dockerfile": "docker",
    "go": "go", "html": "html", "ini": "ini", "javascript": "javascript", "js": "javascript",
    "json": "json", "make": "make", "patch": "diff", "py": "python", "python": "python", "rs": "rust", "rust": "rust",
    "sh": "bash", "shell": "bash", "sql": "sql", "toml": "toml", "ts": "typescript", "typescript": "typescript",
    "xml": "xml", "yaml": "yaml", "yml": "yaml",
}  # fmt: skip
"""The words after a fence, and the lexer for each: only lexers that no text was found to slow down."""

CODE_STYLES: Final = {
    "Comment": Style(dim=True), "Comment.Preproc": Style(color="cyan"),
    "Keyword": Style(color="blue"), "Keyword.Type": Style(color="cyan"), "Operator.Word": Style(color="magenta"),
    "Name.Builtin": Style(color="cyan"), "Name.Function": Style(color="green"), "Name.Class": Style(color="green"),
    "Name.Decorator": Style(color="magenta"), "Name.Variable": Style(color="bright_red"),
    "Name.Constant": Style(color="bright_red"), "Name.Attribute": Style(color="cyan"), "Name.Tag": Style(color="blue"),
    "Literal.String": Style(color="yellow"), "Literal.Number": Style(color="blue"),
    "Generic.Deleted": Style(color="red"), "Generic.Inserted": Style(color="green"),
    "Generic.Heading": Style(bold=True), "Generic.Subheading": Style(color="magenta", bold=True),
    "Error": Style(color="red", underline=True),
}  # fmt: skip
"""How kinds of words in code are shown; what a kind lacks, it has of the one above it."""

_MARKUP: Final = re.compile(r"[*_`\[]|~~|^ {0,8}- |^>(?: |$)", re.MULTILINE)
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)$")
_TICKS: Final = re.compile("`+")
_ITEM: Final = re.compile(r"( {0,8})[-*] (?=\S)")
_QUOTE: Final = re.compile(r"> |>$")
_PIECE: Final = re.compile(
    r"(?P<code>`+)"
    r"|(?P<url>https?://[^\s<>*`]+)"
    r"|\[(?P<label>[^\[\]]{1,200})\]\((?P<target>[^\s()<>]{1,2000})\)"
    r"|\\(?P<escaped>[*_`])"
    r"|(?P<mark>\*+|_+|~~+)"
)
_STYLES: Final = {
    "*": Style(italic=True), "_": Style(italic=True), "**": Style(bold=True), "***": Style(bold=True, italic=True),
    "~~": Style(strike=True),
}  # fmt: skip
_CODE: Final = Style(color="cyan")
_DIM: Final = Style(dim=True)
_UNDERLINED: Final = Style(underline=True)


class Row(NamedTuple):
    """One line of a text. ``code`` is of a block, and should be easy to copy."""

    text: Text
    code: bool


def has_markup(text: str) -> bool:
    """Whether `rows` could make a difference: a cheap test, sometimes true without need."""
    return _MARKUP.search(text) is not None


def rows(text: str, *, highlight: bool = True) -> Iterator[Row]:
    """The lines of ``text``, which has been cleaned. Code has colours if ``highlight`` and its language is known."""
    lines = iter(text.split("\n"))
    styled = 0
    for line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            prose = _prose(line) if styled <= PIECES else Text(line)
            styled += len(prose.spans)
            yield Row(prose, code=False)
            continue
        yield Row(Text(f"── {fence[2].strip() or 'code'}", style=_DIM), code=False)
        for code in _block(_until(lines, fence[1]), fence[2] if highlight else ""):
            yield Row(code, code=True)


def _until(lines: Iterator[str], fence: str) -> list[str]:
    """The lines up to the one that closes ``fence``, or all."""
    block = []
    for line in lines:
        closing = line.strip()
        if len(closing) >= len(fence) and closing == fence[0] * len(closing):
            break
        block.append(line)
    return block


def _block(lines: list[str], info: str) -> list[Text]:
    code = "\n".join(lines)
    lexer = LANGUAGES.get(info.split()[0].casefold() if info.split() else "")
    if lexer and _is_short(lines):
        highlighted = _highlight(code, lexer)
        if highlighted.plain == code:  # a lexer has its own idea of lines; the code matters more
            return list(highlighted.split("\n", allow_blank=True))
    return [Text(line) for line in lines]


def _is_short(lines: list[str]) -> bool:
    return (
        0 < len(lines) <= HIGHLIGHTED_LINES
        and max(map(len, lines)) <= HIGHLIGHTED_COLUMNS
        and sum(map(len, lines)) <= HIGHLIGHTED_CHARACTERS
    )


def _highlight(code: str, lexer: str) -> Text:
    from rich.syntax import ANSISyntaxTheme, Syntax  # slow to import, and seldom needed

    theme = ANSISyntaxTheme({tuple(token.split(".")): style for token, style in CODE_STYLES.items()})
    highlighted = Syntax("", lexer, theme=theme, tab_size=0).highlight(code)
    highlighted.style, highlighted.tab_size = "", None
    if not code.endswith("\n"):
        highlighted.remove_suffix("\n")
    return highlighted


def _prose(line: str) -> Text:
    prefix = Text()
    if found := _QUOTE.match(line):
        prefix.append("▌ ", style=_DIM)
    elif found := _ITEM.match(line):
        prefix.append(f"{found[1]}• ")
    return prefix.append_text(_inline(line[found.end() if found else 0 :]))


class _Line:
    """A line as it grows: pieces of text, and where a style holds."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.styled: list[tuple[Style, int, int]] = []
        """Each with the pieces that it covers: from one, up to but without another."""

    def add(self, text: str, style: Style | None = None) -> None:
        self.pieces.append(text)
        if style:
            self.styled.append((style, len(self.pieces) - 1, len(self.pieces)))

    def text(self) -> Text:
        text = Text("".join(self.pieces))
        offsets = [0]
        for piece in self.pieces:
            offsets.append(offsets[-1] + len(piece))
        for style, start, end in self.styled:
            text.stylize(style, offsets[start], offsets[end])
        return text


def _inline(line: str) -> Text:
    made = _Line()
    opened: dict[str, int] = {}  # marks that may yet be closed, and the pieces that they are
    place = 0
    while found := _PIECE.search(line, place):
        if len(made.pieces) > PIECES:
            return Text(line)
        made.add(line[place : found.start()])
        place = found.end()
        if found["code"]:
            place = _code(made, line, found)
        elif found["mark"]:
            _mark(made, opened, line, found)
        elif found["url"]:
            place = _url(made, line, found)
        elif found["label"]:
            _link(made, found["label"], found["target"])
        else:
            made.add(found["escaped"])
    made.add(line[place:])
    return made.text()


def _code(made: _Line, line: str, found: re.Match[str]) -> int:
    """Add a piece in backticks, up to as many of them. Gives the place to go on from."""
    ticks = found["code"]
    closing = next((run for run in _TICKS.finditer(line, found.end()) if run[0] == ticks), None)
    if closing is None:  # no run of this length follows: a line has few lengths to look for in vain
        made.add(ticks)
        return found.end()
    made.add(ticks, _DIM)
    made.add(line[found.end() : closing.start()], _CODE)
    made.add(ticks, _DIM)
    return closing.end()


def _url(made: _Line, line: str, found: re.Match[str]) -> int:
    """Add an address as it is. Marks in it are part of it, except at its end."""
    address = found["url"].rstrip("_~.,;:!?)]")
    made.add(address)
    return found.start() + len(address)


def _link(made: _Line, label: str, target: str) -> None:
    if _combines(label[0]):
        made.add(f"[{label}]({target})")
        return
    made.add(label, _UNDERLINED)
    if label != target:
        made.add(f" ({target})", _DIM)


def _mark(made: _Line, opened: dict[str, int], line: str, found: re.Match[str]) -> None:
    mark = found["mark"]
    before, after = line[found.start() - 1 : found.start()], line[found.end() : found.end() + 1]
    style = _STYLES.get(mark)
    made.add(mark)
    if style is None or _combines(after):
        return
    here = len(made.pieces) - 1
    if mark in opened and not before.isspace() and _outside(after):
        start = opened.pop(mark)
        for other in [other for other, piece in opened.items() if piece > start]:
            del opened[other]
        made.pieces[start] = made.pieces[here] = ""
        made.styled.append((style, start, here))
    elif _outside(before) and after and not after.isspace() and after not in ".,;:!?)/":
        opened[mark] = here


def _outside(neighbour: str) -> bool:
    """Whether a mark may stand beside ``neighbour``. In names, paths and sums it isn't a mark."""
    return not (neighbour.isascii() and (neighbour.isalnum() or neighbour in ("/", "\\")))


def _combines(character: str) -> bool:
    """Whether ``character`` would move onto another one if what is before it were taken away."""
    return bool(character) and unicodedata.category(character) in ("Mn", "Me")
