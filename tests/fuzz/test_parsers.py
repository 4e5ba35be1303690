"""Whatever is read from strangers is understood or refused in the way that is documented, and never anything else.

`make test` tries the same hundred examples of each. `make fuzz` tries others for as long as one likes.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty import protocol
from chatty.access import NewKick, NewRestriction, NewRole, NewToken, Policy
from chatty.cli.terminal.cleaning import clean, clean_name
from chatty.client.decoding import UNREADABLE, read_answer, read_frame
from chatty.client.network.address import base_url, canonical_url
from chatty.credentials import is_shown_in, is_token, masked, new_token, resembles_token
from chatty.durations import parse_duration
from chatty.errors import ProtocolError
from chatty.names import BadName, check_known_name, check_name, check_room_name, compare_key, same
from chatty.server.business.names import check_reaction, check_text
from chatty.server.errors import Fault
from chatty.server.origins import AllowedHosts, AllowedOrigins, host_of, origin_of
from chatty.server.platform.network.addresses import TrustedProxies, bannable, limited
from chatty.server.platform.store.search.query import wanted

TEXT = st.text(st.characters(codec="utf-8"))
ANYTHING = TEXT | st.text()  # the latter with surrogates, as from a header or an argument that isn't UTF-8
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)
OPS = ["send", "edit", "delete", "react", "topic", "rename", "produce", "typing"]
COMMANDS = st.fixed_dictionaries(
    {"op": st.sampled_from(OPS) | TEXT},
    optional=dict.fromkeys(["text", "n", "ref", "of", "name", "topic", "reaction", "producer", "reply_to"], JSON),
)
HOSTS = st.lists(st.sampled_from([*"abc.:@/[]%*-", "1", "::1", "127.0.0.1", "http://", "xn--", "ü"]), max_size=10).map(
    "".join
)
PARTS = st.sampled_from(["1", ".", ":", "::", "ffff", "[", "]", "%eth0", ", ", "203.0.113.5"])
ADDRESSES = st.lists(PARTS, max_size=9).map("".join)


def understood(read: Callable[..., Any], *given: Any, refuses: tuple[type[BaseException], ...] = ()) -> Any:
    """The result, or None if it was refused as documented."""
    try:
        return read(*given)
    except refuses:
        return None


@given(st.binary() | TEXT.map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()))
def test_bodies_of_requests(body: bytes) -> None:
    for kind in (NewToken, NewRole, NewRestriction, NewKick, Policy, protocol.NewRoom, protocol.NewMessage):
        understood(lambda of: msgspec.json.decode(body, type=of), kind, refuses=(ValueError, RecursionError))


@given(COMMANDS.map(json.dumps) | ANYTHING)
def test_commands_over_a_websocket(frame: str) -> None:
    command = understood(protocol.decode_command, frame, refuses=(ValueError, RecursionError))
    if command is not None:
        assert protocol.decode_command(protocol.encode(command)) == command


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_answers_and_frames_of_a_server(raw: bytes) -> None:
    understood(read_frame, raw, refuses=(*UNREADABLE, ProtocolError))
    for kind in (protocol.Page, protocol.CreatedRoom, protocol.RoomInfo):
        understood(read_answer, raw, kind, "http://chat.example", refuses=(ProtocolError,))


@given(ANYTHING)
def test_names_of_people_and_rooms(text: str) -> None:
    for check in (check_name, check_known_name, check_room_name):
        name = understood(lambda given, check=check: check(given, points=32), text, refuses=(BadName,))
        if name is not None:
            assert check(name, points=32) == name
            assert same(name, text)
            assert compare_key(compare_key(name)) == compare_key(name) != ""


@given(ANYTHING)
def test_texts_and_reactions(text: str) -> None:
    check_text(text, size=16_384)
    check_reaction(text, points=32)
    wanted(text, text)


@given(ANYTHING)
def test_what_a_terminal_shows_controls_nothing(text: str) -> None:
    for shown in (clean(text), clean_name(text)):
        assert clean(shown) == shown
        assert not any(
            unicodedata.category(character) == "Cc" for character in shown.replace("\n", "").replace("\t", "")
        )


@given(ANYTHING, st.integers(0, 60), st.integers(0, 60))
def test_credentials(text: str, cut: int, add: int) -> None:
    token = new_token()
    damaged = token[:cut] + text + token[add:]
    assert is_token(token)
    assert is_token(damaged) == (damaged == token)
    assert damaged == token or not is_token(damaged)
    resembles_token(damaged)
    assert not is_shown_in(masked(damaged))
    assert token not in masked(f"{text}{token}{text}")


@given(HOSTS | ANYTHING)
def test_hosts_and_origins(text: str) -> None:
    host, origin = host_of(text), origin_of(text)
    assert host is None or host not in AllowedHosts("")
    assert origin is None or origin not in AllowedOrigins("")
    for setting in (AllowedHosts, AllowedOrigins):
        understood(setting, text, refuses=(Fault,))
    url = understood(base_url, text, refuses=(ValueError,))
    if url is not None:
        assert base_url(url) == url
        assert canonical_url(canonical_url(url)) == canonical_url(url)


@given(st.lists(ADDRESSES | ANYTHING, max_size=3), ADDRESSES)
def test_addresses_that_proxies_pass_on(headers: list[str], peer: str) -> None:
    client = TrustedProxies("10.0.0.0/8").client_of(peer, headers)
    assert limited(limited(client)) == limited(client) or limited(client) == ""
    bannable(client, TrustedProxies(""))
    understood(TrustedProxies, peer, refuses=(Fault,))


@given(ANYTHING)
def test_durations(text: str) -> None:
    seconds = understood(parse_duration, text, refuses=(ValueError,))
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("depth", [10, 100_000])
def test_endless_nesting(depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    understood(protocol.decode_command, nested, refuses=(ValueError, RecursionError))
    understood(read_frame, nested, refuses=(*UNREADABLE, ProtocolError))
