"""Addresses that mean this machine, how limits count the others, and which of them a proxy may name."""

from __future__ import annotations

import pytest

from chatty.server.checks import check
from chatty.server.platform.network.addresses import MOST_HOPS, TrustedProxies, bannable, is_loopback, limited
from chatty.server.settings import SettingError, Settings


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


PROXY = "10.0.0.1"
PROXIES = TrustedProxies("10.0.0.0/8, 127.0.0.1 ,2001:db8:f::/48,")
CLIENT = "203.0.113.5"


@pytest.mark.parametrize(
    "headers",
    [
        [CLIENT],
        [f"1.1.1.1, {CLIENT}"],  # the client itself said the first one
        [f"{CLIENT}, {CLIENT}"],
        [f"{CLIENT}, 10.2.3.4"],
        [CLIENT, "10.2.3.4"],  # several headers are one list
        ["8.8.8.8", f"{CLIENT} ,127.0.0.1", "\t10.9.9.9 "],
        [f"{CLIENT},2001:db8:f:1::2,[2001:db8:f::3]:443"],
        [f"nonsense, , {CLIENT}"],
        [f"{CLIENT}:4711"],
        [f"::ffff:{CLIENT}"],
        [f"[::ffff:{CLIENT}]:80, ::ffff:10.2.3.4"],
        ["1.1.1.1, " * 10_000 + CLIENT],
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_not_a_trusted_proxy(headers: list[str]) -> None:
    assert PROXIES.client_of(PROXY, headers) == CLIENT


@pytest.mark.parametrize("text", ["2001:db8::7", "2001:DB8:0:0::7", "[2001:db8::7]", "[2001:db8::7]:443"])
def test_a_client_may_have_ipv6(text: str) -> None:
    assert PROXIES.client_of("127.0.0.1", [text]) == "2001:db8::7"


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "unknown", "_hidden", "203.0.113.999", "203.0.113.5:port", "203.0.113.5:123456", "[2001:db8::7",
        "2001:db8::7]", "[2001:db8::7]443", "[]", "[::]]", "203.0.113.5 1.1.1.1", "0x7f.1", "1.2.3", "203.0.113.05",
        f'"{CLIENT}"', f"for={CLIENT}", f"http://{CLIENT}", f"u@{CLIENT}", "\udcff", "٢٠٣.0.113.5", "1" * 8_000,
    ],
)  # fmt: skip
def test_where_something_else_than_an_address_comes_the_proxy_that_passed_it_on_is_the_client(text: str) -> None:
    assert PROXIES.client_of(PROXY, [text]) == PROXY
    assert PROXIES.client_of(PROXY, [CLIENT, text]) == PROXY
    assert PROXIES.client_of(PROXY, [f"{CLIENT}, {text}, 10.2.3.4"]) == "10.2.3.4"


def test_a_client_may_be_a_proxy_itself_and_no_list_is_looked_at_for_ever() -> None:
    assert PROXIES.client_of(PROXY, ["10.5.5.5, 10.2.3.4"]) == "10.5.5.5"
    assert PROXIES.client_of(PROXY, [CLIENT + ", 10.2.3.4" * (MOST_HOPS - 1)]) == CLIENT
    assert PROXIES.client_of(PROXY, [CLIENT + ", 10.2.3.4" * MOST_HOPS]) == "10.2.3.4"


@pytest.mark.parametrize(
    ("setting", "inside", "outside"),
    [
        ("", "", "127.0.0.1 ::1 10.0.0.1"),
        ("127.0.0.1", "127.0.0.1 ::ffff:127.0.0.1", "127.0.0.2 ::1"),
        ("10.0.0.0/8", "10.0.0.1 10.255.255.255 ::ffff:10.1.2.3", "11.0.0.1 unknown"),
        ("::1, 2001:DB8::/32", "::1 2001:db8:1::2 2001:db8::1%eth0", "2001:db9::1 127.0.0.1"),
        ("::ffff:10.0.0.0/104", "10.1.2.3 ::ffff:10.1.2.3", "11.1.2.3"),
    ],
)
def test_proxies_are_trusted_in_every_spelling_of_their_addresses(setting: str, inside: str, outside: str) -> None:
    proxies = TrustedProxies(setting)
    assert [peer for peer in f"{inside} {outside}".split() if peer in proxies] == inside.split()
    assert "" not in proxies
    assert bool(proxies) == bool(setting)


GENERAL = "write addresses or networks, separated by commas: 127.0.0.1, 10.0.0.0/8, 2001:db8::/32"


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ("10.0.0.5/8", "write 10.0.0.0/8"),
        ("2001:db8::1/32", "write 2001:db8::/32"),
        ("127.0.0.1:8080", "write 127.0.0.1"),
        ("[::1]", "write ::1"),
        ("[::1]:8080", "write ::1"),
        ("localhost", GENERAL),
        ("10.0.0.0/33", GENERAL),
        ("10.0.0.0-10.0.0.9", GENERAL),
        ("10.0.*.*", GENERAL),
        ("127.0.0.1 10.0.0.1", GENERAL),
        ("*", GENERAL),
        ("0.0.0.0/0", "name the addresses or networks of your proxies alone"),
        ("::/0", "name the addresses or networks of your proxies alone"),
    ],
)
def test_a_proxy_that_cannot_be_is_refused_at_the_start_with_advice(wrong: str, advice: str) -> None:
    with pytest.raises(SettingError) as refused:
        check(Settings(trusted_proxy=f"127.0.0.1, {wrong}"))
    assert str(refused.value).startswith(f"{wrong!r} (--trusted-proxy, CHATTY_TRUSTED_PROXY) ")
    assert refused.value.hint == advice


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", ""),
        ("127.9.9.9", ""),
        ("::1", ""),
        ("localhost", ""),
        ("", ""),
        ("192.0.2.0/24", ""),
        ("2001:db8::/32", ""),
        ("0.0.0.0/0", ""),
        ("Eve", ""),
        ("10.0.0.1", ""),
        ("10.0.0.2", "10.0.0.2"),
        ("2001:db8:ffff::1", ""),
        ("2001:db8:fffe::1", "2001:db8:fffe::/64"),
    ],
)
def test_what_is_this_machine_s_a_proxy_s_or_a_whole_range_is_never_banned(address: str, prefix: str) -> None:
    """Attack 10: a restriction on loopback, or on a trusted proxy, would shut out everybody behind it."""
    assert bannable(address, TrustedProxies("10.0.0.1, 2001:db8:ffff::9")) == prefix
