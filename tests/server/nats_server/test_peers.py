"""The machines of a cluster, as its operator names them."""

from __future__ import annotations

import pytest

from chatty.server.nats_server.peers import Peer, peers_of, urls
from chatty.server.settings import SettingError


def test_a_peer_has_the_usual_ports_unless_it_says_others() -> None:
    assert peers_of("a=10.0.0.1, b=db.example.org:14222,c=[2001:db8::1]:1:2") == {
        "a": Peer("a", "10.0.0.1", 4222, 6222),
        "b": Peer("b", "db.example.org", 14222, 6222),
        "c": Peer("c", "[2001:db8::1]", 1, 2),
    }


def test_a_node_asks_its_own_server_of_nats_before_the_others() -> None:
    peers = peers_of("a=10.0.0.1,b=10.0.0.2,c=[::1]:4")
    assert urls(peers, "b", "me", "pw") == (
        "nats://me:pw@10.0.0.2:4222,nats://me:pw@10.0.0.1:4222,nats://me:pw@[::1]:4"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a cluster needs --peers"),
        ("10.0.0.1", "'10.0.0.1' is not NAME=ADDRESS"),
        ("a=1.1.1.1,a=2.2.2.2", "two peers are called 'a'"),
        ("a b=1.1.1.1", "'a b' cannot be a peer's name"),
        ("a/b=1.1.1.1", "'a/b' cannot be a peer's name"),
        ("a=1.1.1.1:0", "'1.1.1.1:0' is not the address of a peer"),
        ("a=1.1.1.1:4222:65536", "'1.1.1.1:4222:65536' is not the address of a peer"),
        ('a=1"1', "'1\"1' is not the address of a peer"),
        ("a=1.1.1.1,b=1.1.1.1", "two peers have the same address"),
        ("a=1.1.1.1:4222:4222", "two peers have the same address"),
        (",".join(f"n{n}=10.0.0.{n}" for n in range(10)), "10 peers are too many"),
    ],
)
def test_peers_that_cannot_be_are_refused(text: str, told: str) -> None:
    with pytest.raises(SettingError) as refused:
        peers_of(text)
    assert str(refused.value) == told
    assert refused.value.hint
