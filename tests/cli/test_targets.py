"""ROOM is an id, a room's URL, or the name of a room that this user created or joined."""

from __future__ import annotations

import pytest

from chatty.cli.access.door import invited
from chatty.cli.config import ServerChoice
from chatty.cli.failures import Failure
from chatty.cli.room_list import KnownRoom, remember
from chatty.cli.targets import RoomTarget, about, resolve_room
from chatty.credentials import new_invitation
from chatty.errors import Refused
from tests.cli.conftest import MakeEnvironment

A, B, C = "2SzErhA2PvYGjf4PQ4pvTh9BfE0", "2SzErhA2PvYGjf4PQ4pvTh9BfE1", "2SzErhA2PvYGjf4PQ4pvTh9BfE2"
LOCAL = "http://127.0.0.1:8080"


def test_an_id_is_looked_for_on_the_chosen_server(make_environment: MakeEnvironment) -> None:
    assert resolve_room(make_environment(), A)[:2] == (LOCAL, A)
    assert resolve_room(make_environment(CHATTY_SERVER="http://x"), A)[:2] == ("http://x", A)
    assert resolve_room(make_environment(CHATTY_SERVER="http://x"), A, ServerChoice(server="http://y"))[:2] == (
        "http://y",
        A,
    )


def test_an_id_that_is_known_is_looked_for_where_it_was_unless_told_otherwise(
    make_environment: MakeEnvironment,
) -> None:
    env = make_environment()
    remember(env, KnownRoom(A, "deploys", "http://elsewhere"))
    assert resolve_room(env, A).server == "http://elsewhere"
    assert resolve_room(env, A, ServerChoice(server="http://x")).server == "http://x"


def test_an_id_needs_no_file_that_only_tells_where_it_was(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    env.state_directory.mkdir()
    file = env.state_directory / "rooms.json"
    file.write_text("damaged")
    assert resolve_room(env, A)[:2] == (LOCAL, A)
    file.unlink()
    file.mkdir()  # can't be read, not even by root
    assert resolve_room(env, A)[:2] == (LOCAL, A)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (f"http://chat.example:8080/v1/rooms/{A}", "http://chat.example:8080"),
        (f"https://chat.example/v1/rooms/{A}/ws?name=x", "https://chat.example"),
        (f"ws://127.0.0.1:8080/chat/join?room={A}&name=John", LOCAL),
        (f"https://example/behind/proxy/v1/rooms/{A}", "https://example/behind/proxy"),
        (f"https://example/behind/proxy/chat/join?name=x&room={A}", "https://example/behind/proxy"),
    ],
)
def test_a_url_says_the_server_too_whatever_else_does(make_environment: MakeEnvironment, url: str, server: str) -> None:
    env = make_environment(CHATTY_SERVER="http://other")
    assert resolve_room(env, url, ServerChoice(server="http://another"))[:2] == (server, A)


@pytest.mark.parametrize(
    "url",
    ["http://x/", f"http://x/v1/rooms/{A[:-1]}", "http://x/chat/join?room=", f"ftp://x/v1/rooms/{A}", "http://[x"],
)
def test_a_url_that_names_no_room_is_wrong_usage(make_environment: MakeEnvironment, url: str) -> None:
    with pytest.raises(Failure) as failure:
        resolve_room(make_environment(), url)
    assert failure.value.status == 2


NODES = "http://a:1,http://b:2"


@pytest.mark.parametrize(
    ("text", "server"),
    [
        (A, NODES),
        (f"http://b:2/v1/rooms/{A}", NODES),
        (f"ws://B:2/chat/join?room={A}", NODES),
        (f"http://c:3/v1/rooms/{A}", "http://c:3"),
    ],
)
def test_a_url_with_one_of_the_chosen_nodes_means_all_of_them(
    make_environment: MakeEnvironment, text: str, server: str
) -> None:
    env = make_environment(CHATTY_SERVER="a:1, b:2")
    assert resolve_room(env, text).server == server
    assert resolve_room(make_environment(), text, ServerChoice(server=NODES)).server == server
    invitation = f"http://b:2/v1/server#{new_invitation()}"
    assert invited(env, invitation, ServerChoice()).target.server == NODES


def test_a_url_needs_no_other_choice_that_makes_sense(make_environment: MakeEnvironment) -> None:
    url = f"http://b:2/v1/rooms/{A}"
    assert resolve_room(make_environment(CHATTY_SERVER="a:1,,b"), url).server == "http://b:2"


def test_a_known_room_is_found_through_each_of_its_nodes(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, KnownRoom(A, "deploys", NODES))
    assert resolve_room(env, "deploys").server == resolve_room(env, A).server == NODES
    assert resolve_room(env, "deploys", ServerChoice(server="b:2")).server == "http://b:2", "an explicit choice wins"
    remember(env, KnownRoom(A, "deploys", "http://b:2"))
    assert resolve_room(env, "deploys").server == NODES
    wider = f"{NODES},http://c:3"
    assert resolve_room(env, "deploys", ServerChoice(server=wider)).server == wider
    remember(env, KnownRoom(A, "deploys", wider))
    assert resolve_room(env, "deploys").server == wider


def test_a_name_means_the_room_that_is_known_by_it(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, KnownRoom(A, "Deploys", "http://a"))
    assert resolve_room(env, "Deploys")[:3] == ("http://a", A, "Deploys")
    assert resolve_room(env, "deploys")[:3] == ("http://a", A, "Deploys")
    assert resolve_room(env, "#deploys")[:3] == ("http://a", A, "Deploys"), "as the screen shows it"


def test_a_name_spelled_exactly_goes_before_another_spelling(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, KnownRoom(A, "deploys", "http://a"))
    remember(env, KnownRoom(B, "Deploys", "http://a"))
    assert resolve_room(env, "Deploys").room_id == B
    remember(env, KnownRoom(C, "#deploys", "http://a"))
    assert resolve_room(env, "#deploys").room_id == C


def test_an_open_room_goes_before_closed_ones_of_its_name(make_environment: MakeEnvironment) -> None:
    env = make_environment(now=100)
    remember(env, KnownRoom(A, "deploys", "http://a", ends_at=50))
    remember(env, KnownRoom(B, "deploys", "http://a", ends_at=60))
    assert resolve_room(env, "deploys").room_id == B
    remember(env, KnownRoom(C, "deploys", "http://a"))
    remember(env, KnownRoom(A, "deploys", "http://a", ends_at=70))
    assert resolve_room(env, "deploys").room_id == C


def test_a_name_that_two_rooms_have_is_not_guessed(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, KnownRoom(A, "deploys", "http://a"))
    remember(env, KnownRoom(B, "deploys", "http://b"))
    with pytest.raises(Failure) as failure:
        resolve_room(env, "deploys")
    assert failure.value.status == 2
    assert A in failure.value.hint
    assert B in failure.value.hint
    assert resolve_room(env, "deploys", ServerChoice(server="http://b")).room_id == B


def test_a_room_that_several_nodes_have_shown_is_one_room(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    for node in ("http://a", "http://b", "http://c"):
        remember(env, KnownRoom(A, "deploys", node))
    assert resolve_room(env, "deploys")[:2] == ("http://c", A)
    assert resolve_room(env, "deploys", ServerChoice(server="http://b,http://a"))[:2] == ("http://b,http://a", A)


def test_a_mistyped_name_is_suggested(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    remember(env, KnownRoom(A, "general", LOCAL))
    with pytest.raises(Failure) as failure:
        resolve_room(env, "genral")
    assert failure.value.status == 3
    assert failure.value.message == f'no room "genral" on {LOCAL}'
    assert failure.value.hint == 'did you mean "general"? see: chatty rooms'


def test_a_name_that_is_known_on_another_server_says_so(make_environment: MakeEnvironment) -> None:
    remember(make_environment(), KnownRoom(A, "deploys", "http://a"))
    with pytest.raises(Failure) as failure:
        resolve_room(make_environment(CHATTY_SERVER="http://b"), "deploys")
    assert failure.value.hint == "there is one on another server: --server http://a"


def test_an_unknown_name_says_how_to_create_it(make_environment: MakeEnvironment) -> None:
    with pytest.raises(Failure) as failure:
        resolve_room(make_environment(), "two words")
    assert "chatty create 'two words'" in failure.value.hint


def test_a_room_that_the_server_does_not_know_is_named_as_the_user_did(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    target = resolve_room(env, A)
    with pytest.raises(Failure) as failure, about(env, target):
        raise Refused("room_not_found")
    assert failure.value.message == f'no room "{A}" on {LOCAL}'
    with pytest.raises(Refused), about(env, RoomTarget(LOCAL, A, A, target.profile)):
        raise Refused("name_taken")
