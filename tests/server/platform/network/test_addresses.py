"""Addresses that mean this machine, and how limits count the others."""

from __future__ import annotations

import pytest

from chatty.server.platform.network.addresses import is_loopback, limited


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "::ffff:127.0.0.1", "[::ffff:7f00:1]", "LOCALHOST.", "::1%lo"]
)
def test_names_and_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "::", "0.0.0.0", "::ffff:192.0.2.1", "192.0.2.1", "localhost.example", "::2"])
def test_names_and_addresses_of_others(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("127.0.0.1", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
    ],
)
def test_limits_count_a_peer_and_of_ipv6_its_network(peer: str, counted: str) -> None:
    assert limited(peer) == counted
