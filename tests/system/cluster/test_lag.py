"""A node that lags behind the log: it waits, and never says that there is nothing where it only hasn't seen it yet."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster, check_agreement, status
from tests.support.faults import Peer
from tests.support.server import PATIENCE, Server

LAG = 0.25
"""Seconds that the node c takes longer than the others, for each batch."""
KEY = "l" * 32


@pytest.fixture(scope="module")
def slow(cluster: Cluster) -> Iterator[Server]:
    """Node c, which lags."""
    quick = cluster["c"]
    quick.stop()
    program = (sys.executable, "-m", "tests.system.cluster.slow_node")
    cluster.nodes["c"] = cluster.make("c", program=program, env={"LAG": str(LAG)}, port=quick.port)
    try:
        yield cluster["c"].start()
    finally:
        cluster["c"].stop()
        cluster.nodes["c"] = quick.start()
    check_agreement(cluster)


def say(node: Server, room_id: str, text: str) -> int:
    """Posts a message, and gives its number."""
    said: int = node.ask("POST", f"/v1/rooms/{room_id}/messages", {"participant": "Ada", "text": text})["seq"]
    return said


def test_a_room_is_found_at_once_and_one_that_does_not_exist_is_not(cluster: Cluster, slow: Server) -> None:
    for _ in range(3):
        assert slow.ask("GET", f"/v1/rooms/{cluster['a'].make_room()['id']}")["name"] == "test"
    assert status(slow, "GET", "/v1/rooms/nonsense") == 404
    with Peer(slow, cluster["a"].make_room()["id"], "Old", seed=True):
        pass
    with Peer(slow, cluster["b"].make_room()["id"], "Ada", key=KEY):
        pass


@pytest.mark.parametrize("joins", ["true", "false"])
def test_a_client_that_has_seen_more_elsewhere_goes_on_without_a_gap(
    cluster: Cluster, slow: Server, room_id: str, joins: str
) -> None:
    epoch = cluster["a"].ask("GET", f"/v1/rooms/{room_id}")["epoch"]
    seen = [say(cluster["a"], room_id, f"line {number}") for number in range(5)][-1]
    with Peer(slow, room_id, "Zoe", key=KEY, join=joins, since=seen, epoch=epoch) as zoe:
        came = zoe.until(lambda event: event["event_type"] == "live")
        kinds = [event["event_type"] for event in came]
        assert kinds == ["welcome", *(["participant_joined"] if joins == "true" else []), "live"]
        assert came[-1]["last"] >= seen
        say(cluster["a"], room_id, "and on")
        assert [event["text"] for event in zoe.hear("and on") if "text" in event] == ["and on"]
    # What nobody can have seen is a gap on all nodes.
    with Peer(slow, room_id, "Zoe", key=KEY, join=joins, since=seen + 1000, epoch=epoch) as zoe:
        gap = zoe.until(lambda event: event["event_type"] == "gap")[-1]
        assert gap["reason"] == "ahead"


def test_an_event_stream_goes_on_where_it_was_left_elsewhere(cluster: Cluster, slow: Server, room_id: str) -> None:
    epoch = cluster["a"].ask("GET", f"/v1/rooms/{room_id}")["epoch"]
    for beyond, expected in ((0, b'"live"'), (1000, b'"ahead"')):
        seen = say(cluster["a"], room_id, f"beyond {beyond}")
        request = urllib.request.Request(
            f"{slow.url}/v1/rooms/{room_id}/stream", headers={"Last-Event-ID": f"{epoch}.{seen + beyond}"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as stream:
            lines = iter(stream.readline, b"")
            first = next(line for line in lines if line.startswith(b"data:") and b'"welcome"' not in line)
            assert expected in first, first


def test_what_was_said_elsewhere_is_found_by_a_search_and_read_after_its_number(
    cluster: Cluster, slow: Server, room_id: str
) -> None:
    for word in ("walrus", "narwhal"):
        seen = say(cluster["a"], room_id, word)
        found = slow.ask("GET", f"/v1/rooms/{room_id}/events?q={word}")["events"]
        assert [event["text"] for event in found] == [word]
    seen = say(cluster["a"], room_id, "last")
    assert slow.ask("GET", f"/v1/rooms/{room_id}/events?after={seen}")["events"] == []
    seen = say(cluster["a"], room_id, "fresh")
    assert slow.ask("GET", f"/v1/rooms/{room_id}?fresh=1")["last"] == seen


def test_rights_that_were_given_elsewhere_count_at_once(cluster: Cluster, slow: Server) -> None:
    a = cluster["a"]
    # A token, of somebody whose role is new, too.
    room = a.operate("POST", "/v1/rooms", {"name": "closed"})["id"]
    a.operate("PUT", f"/v1/rooms/{room}/policy", {"everyone": "nobody"})
    token = a.operate("POST", "/v1/tokens", {"name": "Lagging-Mia"})["token"]
    a.operate("PUT", f"/v1/rooms/{room}/members/Lagging-Mia", {"role": "moderator"})
    assert slow.ask("GET", f"/v1/rooms/{room}", token=token)["id"] == room
    admin = a.operate("POST", "/v1/tokens", {"name": "Root", "admin": True})["token"]
    assert status(slow, "GET", "/v1/server/members", token=admin) == 200
    admin = a.operate("POST", "/v1/tokens", {"name": "Root2", "admin": True})["token"]
    assert status(slow, "GET", "/v1/tokens?all=true", token=admin) == 200
    a.operate("PUT", "/v1/server/members/Lagging-Mia", {"role": "owner"})
    assert status(slow, "GET", "/v1/cluster", token=token) == 200
    # An invitation, and a password.
    invitation = a.operate("POST", f"/v1/rooms/{room}/invitations", {"uses": 1})["invitation"]
    assert status(slow, "POST", f"/v1/rooms/{room}/admission", {"invitation": invitation}, token=KEY) == 200
    assert status(slow, "POST", f"/v1/rooms/{room}/admission", {"invitation": invitation}, token="m" * 32) == 403
    for password in ("correct horse", "battery staple"):
        a.operate("PUT", f"/v1/rooms/{room}/policy", {"password": password})
        assert status(slow, "POST", f"/v1/rooms/{room}/admission", {"password": password}, token=KEY) == 200
    assert status(slow, "POST", f"/v1/rooms/{room}/admission", {"password": "correct horse"}, token=KEY) == 403


def test_what_a_moderator_refers_to_is_found(cluster: Cluster, slow: Server, room_id: str) -> None:
    a = cluster["a"]
    owner = a.make_room()
    room, token = owner["id"], owner["owner_token"]
    of = say(a, room, "rude")
    assert status(slow, "POST", f"/v1/rooms/{room}/restrictions", {"act": "mute", "of": of}, token=token) == 200
    of = a.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Spammer", "text": "spam"}, token=KEY)["seq"]
    ban = a.ask("POST", f"/v1/rooms/{room}/restrictions", {"act": "ban", "of": of}, token=token)["id"]
    assert status(slow, "POST", f"/v1/rooms/{room}/deletions", {"restriction": ban}, token=token) == 200


def test_the_lag_is_real(cluster: Cluster, slow: Server, room_id: str) -> None:
    """Or nothing is shown by the others: a plain request is as of the node."""
    slow.ask("GET", f"/v1/rooms/{room_id}")
    seen = say(cluster["a"], room_id, "not there yet")
    assert slow.ask("GET", f"/v1/rooms/{room_id}")["last"] < seen
