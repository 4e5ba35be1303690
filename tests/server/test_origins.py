"""A host or an origin has one form in every spelling. Anything else is refused with advice."""

from __future__ import annotations

import tracemalloc

import pytest
from msgspec.structs import replace

from chatty.server.checks import check
from chatty.server.origins import (
    AllowedHosts,
    AllowedOrigins,
    Host,
    Origin,
    address_to_listen_on,
    host_of,
    is_same,
    known_as,
    origin_of,
)
from chatty.server.settings import SettingError, Settings


@pytest.mark.parametrize(
    ("spelling", "form"),
    [
        ("A.Example", Host("a.example")),
        ("a.example.", Host("a.example")),
        ("a.example:", Host("a.example")),
        ("a.example:08443", Host("a.example", 8443)),
        ("my_app", Host("my_app")),
        ("München.example", Host("xn--mnchen-3ya.example")),
        ("xn--mnchen-3ya.example:1", Host("xn--mnchen-3ya.example", 1)),
        ("faß.example", Host("xn--fa-hia.example")),
        ("例え。テスト", Host("xn--r8jz45g.xn--zckzah")),
        ("[2001:DB8:0:0::1]", Host("2001:db8::1")),
        ("2001:db8::1", Host("2001:db8::1")),
        ("[::1]:65535", Host("::1", 65_535)),
        ("[::ffff:127.0.0.1]", Host("127.0.0.1")),
        ("127.0.0.1:80", Host("127.0.0.1", 80)),
    ],
)
def test_all_spellings_of_a_host_are_one(spelling: str, form: Host) -> None:
    assert host_of(spelling) == form


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "a..b", "a b", "a/b", "u@a", "a:b", "a:0", "a:65536", "a:123456", "-a.example", "a-.example", "[",
        "[::1", "::1]", "1.2.3", "0x7f.1", "127.1", "*", "*.a.example", "a.*.example",
        "x" * 64 + ".example", "a." * 127 + "aa", "\udcff",
    ],
)  # fmt: skip
def test_something_that_names_no_host_has_no_form(text: str) -> None:
    assert host_of(text) is None


@pytest.mark.parametrize(
    ("spelling", "form"),
    [
        ("https://a.example", Origin("https", "a.example", 443)),
        ("HTTPS://A.example:443", Origin("https", "a.example", 443)),
        ("http://a.example", Origin("http", "a.example", 80)),
        ("http://[::1]:8080", Origin("http", "::1", 8080)),
        ("https://bücher.example.", Origin("https", "xn--bcher-kva.example", 443)),
        ("app://a", Origin("app", "a", None)),
        *((text, None) for text in ("null", "", "a.example", "https://", "://a", "file://", "https://a/", "1://a")),
    ],
)
def test_an_origin_is_a_scheme_a_host_and_a_port(spelling: str, form: Origin | None) -> None:
    assert origin_of(spelling) == form


@pytest.mark.parametrize("most", ["x" * 63 + "." + "y" * 63 + "." + "z" * 63 + "." + "a" * 61, "例" * 40 + ".テスト"])
def test_the_longest_names_are_hosts(most: str) -> None:
    assert host_of(f"{most}.:65535")
    assert origin_of(f"https://{most}:65535")


def test_what_strangers_write_into_headers_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(300):
            host = f"{number}{'x' * 8_000}\U0001f600"  # 32 KiB
            assert (host_of(host), origin_of(f"https://{host}")) == (None, None)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


@pytest.mark.parametrize(
    ("setting", "inside", "outside"),
    [
        ("a.example", "a.example a.example:1 a.example:443 A.EXAMPLE.", "b.a.example example"),
        ("a.example:8443", "a.example:8443", "a.example a.example:443 a.example:8444"),
        ("a.example:443", "a.example:443 a.example", "a.example:80 a.example:8443"),
        ("a.example:80", "a.example:80 a.example", "a.example:443"),
        ("*.a.example", "x.a.example x.y.a.example:9 x.A.example.", "a.example xa.example a.example.b"),
        ("*.a.example:8443", "x.a.example:8443", "x.a.example x.a.example:443"),
        ("[2001:db8::1], ,b", "[2001:db8::1] [2001:DB8:0::1]:9 b", "[2001:db8::2]"),
        ("münchen.example", "xn--mnchen-3ya.example", "munchen.example"),
        ("127.0.0.1", "127.0.0.1 [::ffff:127.0.0.1]", "127.0.0.2"),
        ("", "", "a.example"),
    ],
)
def test_a_host_is_allowed_in_every_spelling(setting: str, inside: str, outside: str) -> None:
    allowed = AllowedHosts(setting)
    found = {text: host for text in (inside + " " + outside).split() if (host := host_of(text))}
    assert [text for text, host in found.items() if host in allowed] == inside.split()
    assert bool(allowed) == bool(setting)


def test_an_origin_is_allowed_with_its_scheme_and_port_and_no_other() -> None:
    allowed = AllowedOrigins("https://a.example:443/, http://B.example, https://*.c.example,app://d")
    asked = "https://a.example http://b.example:80 https://x.c.example app://d"
    others = "http://a.example https://a.example:8443 https://b.example https://c.example http://x.c.example app://e"
    found = [origin for text in f"{asked} {others}".split() if (origin := origin_of(text))]
    assert [origin in allowed for origin in found] == [True] * 4 + [False] * 6


@pytest.mark.parametrize(
    ("origin", "host", "schemes"),
    [
        ("https://a.example", "a.example", "https"),
        ("https://a.example", "a.example:443", "https"),
        ("https://a.example:443", "a.example", "https"),
        ("https://a.example:8443", "a.example:8443", "https"),
        ("https://a.example:8443", "a.example", ""),
        ("https://a.example", "a.example:80", ""),
        ("https://a.example", "b.example", ""),
        ("http://a.example", "a.example:80", "http"),
        ("http://a.example", "a.example", "http"),
        ("http://a.example:8080", "A.example.:8080", "http"),
        ("http://[::1]:1", "[::1]:1", "http"),
        ("app://a.example", "a.example", ""),
        ("app://a.example:8080", "a.example:8080", ""),
        ("ws://a.example", "a.example:80", ""),
    ],
)
def test_a_page_may_ask_the_host_and_port_that_it_comes_from_by_its_own_scheme(
    origin: str, host: str, schemes: str
) -> None:
    page, here = origin_of(origin), host_of(host)
    assert page
    assert here
    for possible in ({"http"}, {"https"}, {"http", "https"}, set[str]()):
        assert is_same(page, here, possible) is bool(schemes and schemes in possible)


@pytest.mark.parametrize(
    ("origin", "allowed", "told"),
    [
        ("http://127.0.0.1:8080", "chat.example", "http://127.0.0.1:8080"),
        ("http://0.0.0.0:8080", "", "http://127.0.0.1:8080"),
        ("https://[::]:8443", "", "https://[::1]:8443"),
        ("https://0.0.0.0:8443", "*.example, Chat.Example., other.example", "https://chat.example:8443"),
        ("https://[::1]:443", "chat.example", "https://chat.example"),
        ("https://0.0.0.0:8443", "chat.example:443", "https://chat.example"),
        ("https://0.0.0.0:8443", "[2001:db8::1]", "https://[2001:db8::1]:8443"),
    ],
)
def test_people_are_told_a_server_by_a_name_that_a_certificate_can_have(origin: str, allowed: str, told: str) -> None:
    assert known_as(origin, allowed) == told


@pytest.mark.parametrize(
    ("host", "bound"), [("[::1]", "::1"), ("::1", "::1"), ("fe80::1%lo", "fe80::1%lo"), ("localhost.", "localhost.")]
)
def test_an_address_to_listen_on_may_be_in_brackets(host: str, bound: str) -> None:
    assert address_to_listen_on(host) == bound


@pytest.mark.parametrize(
    ("setting", "wrong", "advice"),
    [
        ("host", "127.0.0.1:9000", "write --host 127.0.0.1 --port 9000"),
        ("host", "http://[::1]:80/", "write --host ::1 --port 80"),
        ("host", "*", "write an address, such as 127.0.0.1, ::1 or (for all) 0.0.0.0"),
        ("host", "", "write an address, such as 127.0.0.1, ::1 or (for all) 0.0.0.0"),
        ("host", "*.a.example", "write an address, such as 127.0.0.1, ::1 or (for all) 0.0.0.0"),
        ("allowed_host", "https://c.example", "write c.example"),
        ("allowed_host", "https://ada@c.example:8443/chat?x", "write c.example:8443"),
        ("allowed_host", "c.example/chat", "write c.example"),
        ("allowed_host", "https://[2001:db8::1]/", "write [2001:db8::1]"),
        ("allowed_host", ".example.net", "write *.example.net"),
        ("allowed_host", "*", "write names, separated by commas: chat.example.org, *.example.org"),
        ("allowed_host", "a.example b.example", "write names, separated by commas: chat.example.org, *.example.org"),
        ("allowed_host", "127.1", "write names, separated by commas: chat.example.org, *.example.org"),
        ("allowed_origin", "a.example", "write https://a.example"),
        ("allowed_origin", "//a.example:8080", "write https://a.example:8080"),
        ("allowed_origin", "https://a.example/chat", "write https://a.example"),
        ("allowed_origin", "https://a.example//", "write https://a.example"),
        ("allowed_origin", "https://a.example?x", "write https://a.example"),
        ("allowed_origin", "http://ada@a.example#x", "write http://a.example"),
        ("allowed_origin", "https://.a.example", "write https://*.a.example"),
        ("allowed_origin", "https://", "write it as browsers do, without a path: https://chat.example.org"),
        ("allowed_origin", "null", "write it as browsers do, without a path: https://chat.example.org"),
        ("allowed_origin", "*", "write it as browsers do, without a path: https://chat.example.org"),
    ],
)
def test_a_host_that_can_never_match_is_refused_at_the_start_with_advice(setting: str, wrong: str, advice: str) -> None:
    before = {"host": "", "allowed_host": "b.example, ", "allowed_origin": "https://b.example, "}[setting]
    with pytest.raises(SettingError) as refused:
        check(replace(Settings(access="open"), **{setting: before + wrong}))
    assert repr(wrong) in str(refused.value)
    assert f"--{setting.replace('_', '-')}" in str(refused.value)
    assert refused.value.hint == advice
