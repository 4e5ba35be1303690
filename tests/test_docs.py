"""What the documents say is what the code does: nothing undocumented, nothing made up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import get_args, get_type_hints

import msgspec
import pytest

from chatty import protocol, seed_dialect
from chatty.errors import CODES
from chatty.events import LeaveReason
from chatty.protocol import Close

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PROTOCOL = (ROOT / "docs/protocol.md").read_text("utf-8")

BODIES = (
    protocol.NewRoom
    | protocol.CreatedRoom
    | protocol.NewMessage
    | protocol.Page
    | protocol.Participants
    | protocol.Present
    | protocol.Problem
    | protocol.RoomInfo
    | protocol.You
    | protocol.Limits
)


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the table under a heading of protocol.md."""
    section = PROTOCOL.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        if line.startswith("| ") and "---" not in line:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def structs(union: UnionType) -> list[type[msgspec.Struct]]:
    return list(get_args(union))


def test_every_code_of_a_refusal_is_documented_with_its_status() -> None:
    documented = {cells[0].strip("`"): cells[1] for cells in rows("Codes of refusals") if cells[0] != "code"}
    assert documented == {code: str(meaning.status) for code, meaning in CODES.items()}


def test_every_close_code_is_documented_with_what_a_client_should_do() -> None:
    documented = {int(cells[0]): cells[2] for cells in rows("Close codes") if cells[0] != "code"}
    assert documented.keys() == set(Close)
    for code, advice in documented.items():
        if code != Close.NORMAL:
            assert advice.startswith("yes") == protocol.may_reconnect(code), code


@pytest.mark.parametrize("frame", structs(protocol.Frame), ids=lambda frame: frame.__name__)
def test_every_frame_is_documented_with_all_its_keys(frame: type[msgspec.Struct]) -> None:
    assert f'"event_type":"{frame.__struct_config__.tag}"' in PROTOCOL
    for field in frame.__struct_encode_fields__:
        assert re.search(rf'["`]{field}["`]', PROTOCOL), field


def test_every_reason_of_a_leave_and_of_a_gap_is_documented() -> None:
    for reason in (*get_args(LeaveReason), *get_args(get_type_hints(protocol.Gap)["reason"])):
        assert f"`{reason}`" in PROTOCOL, reason


@pytest.mark.parametrize("command", structs(protocol.Command), ids=lambda command: command.__name__)
def test_every_command_is_documented_with_all_its_keys(command: type[msgspec.Struct]) -> None:
    assert f'"op":"{command.__struct_config__.tag}"' in PROTOCOL
    for field in command.__struct_encode_fields__:
        assert re.search(rf'["`]{field}["`]', PROTOCOL), field


@pytest.mark.parametrize("body", structs(BODIES), ids=lambda body: body.__name__)
def test_every_key_of_an_http_body_is_documented(body: type[msgspec.Struct]) -> None:
    for field in body.__struct_encode_fields__:
        assert re.search(rf'["`]{field}["`]', PROTOCOL), field


def test_the_seed_dialect_is_documented_byte_for_byte() -> None:
    frames = [
        seed_dialect.SeedRoom("2SzErhA2PvYGjf4PQ4pvTh9BfE0", "RoomName"),
        seed_dialect.SeedMessage("Hello World!", "John"),
        seed_dialect.SeedJoined("John"),
        seed_dialect.SeedLeft("John"),
        seed_dialect.SeedClosed(),
        protocol.Error(code="message_empty", message=CODES["message_empty"].text),
    ]
    for frame in frames:
        assert protocol.encode(frame).decode() in PROTOCOL


def test_every_address_of_the_server_is_documented() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "chatty/server").rglob("*.py"))
    addresses = re.findall(r'Route\("(\w+)", f?"([^"]+)"', sources)
    assert addresses
    for method, path in addresses:
        shown = path
        for theirs, ours in (("{room}", "{id}"), ("{scope}", "…"), ("{{", "{"), ("}}", "}")):
            shown = shown.replace(theirs, ours)
        assert f"{method} {shown}" in PROTOCOL


@pytest.mark.parametrize(
    "figure",
    [
        f"{protocol.MESSAGE_BYTES:,} bytes",
        f"{protocol.FRAME_BYTES:,} bytes",
        f"{protocol.NAME_POINTS} code points",
        f"{protocol.ROOM_NAME_POINTS} code points",
        f"{protocol.TOPIC_POINTS} code points",
        f"1 to {protocol.PAGE_EVENTS}",
        f"at most {protocol.WELCOME_PARTICIPANTS} names",
        f"up to {protocol.IN_FLIGHT:,}",
        f"every {protocol.PING_SECONDS:.0f} s",
        f"within {protocol.PONG_SECONDS:.0f} s",
        f"for {protocol.AWAY_SECONDS:.0f} s",
        f"for {protocol.TICK_SECONDS:.0f} s",
    ],
)
def test_every_limit_is_documented_with_its_figure(figure: str) -> None:
    assert figure in PROTOCOL


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    for target in [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r' (?:src|srcset)="([^"]+)"', text)]:
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text("utf-8")), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_word_of_make_that_a_document_names_exists(document: Path) -> None:
    words = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"(?:`|^    )make ([a-z]+)", document.read_text("utf-8"), re.MULTILINE)
    assert set(named) - {"release"} <= words  # a project's own, in examples of commands


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_no_section_is_there_twice(document: Path) -> None:
    headings = re.findall(r"^## .+$", document.read_text("utf-8"), re.MULTILINE)
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    for path, name in re.findall(r"`((?:tests|benchmarks)/[\w/.]+)(?:::(\w+))?`", document.read_text("utf-8")):
        file = ROOT / path
        assert file.exists(), path
        assert not name or f"def {name}(" in file.read_text("utf-8"), f"{path}::{name}"


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them: a repeated one gets a number."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found
