"""The proxy that leads to a server is the one that everybody else would take; this machine is behind none."""

from __future__ import annotations

import os

import pytest

from chatty.client.network.proxies import UnusableProxy, proxy_for, without_credentials

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """None but those that a test sets."""
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


def test_without_variables_there_is_none() -> None:
    assert proxy_for("https://chat.example") is None


@pytest.mark.parametrize(
    ("variable", "server"),
    [
        ("HTTPS_PROXY", "https://chat.example"),
        ("https_proxy", "https://chat.example:8443/path"),
        ("HTTP_PROXY", "http://chat.example"),
        ("http_proxy", "http://192.0.2.1:8080"),
    ],
)
def test_each_scheme_has_its_own_in_either_spelling(variables: pytest.MonkeyPatch, variable: str, server: str) -> None:
    variables.setenv(variable, PROXY)
    assert proxy_for(server) == PROXY
    other = server.replace("https:", "http:") if server.startswith("https") else server.replace("http:", "https:")
    assert proxy_for(other) is None


def test_a_proxy_may_lack_its_scheme_and_may_hold_credentials(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("HTTP_PROXY", "proxy.example:3128")
    assert proxy_for("http://chat.example") == PROXY
    variables.setenv("HTTP_PROXY", "http://ada:se%40cret@proxy.example:3128")
    assert proxy_for("http://chat.example") == "http://ada:se%40cret@proxy.example:3128"
    assert without_credentials("http://ada:se%40cret@proxy.example:3128") == PROXY


@pytest.mark.parametrize(
    "server",
    [
        "http://localhost:8080",
        "http://localhost.:8080",
        "http://LocalHost",
        "http://chat.localhost",
        "http://0.0.0.0:8080",
        "http://127.0.0.1:8080",
        "http://127.8.9.1",
        "http://[::1]:80",
        "http://[::ffff:127.0.0.1]",
    ],
)
@pytest.mark.parametrize("excepted", ["", "chat.example"])
def test_this_machine_is_behind_no_proxy(variables: pytest.MonkeyPatch, server: str, excepted: str) -> None:
    variables.setenv("HTTP_PROXY", PROXY)
    variables.setenv("NO_PROXY", excepted)
    assert proxy_for(server) is None


@pytest.mark.parametrize(
    ("no_proxy", "server"),
    [
        ("*", "http://chat.example"),
        ("chat.example", "http://chat.example:8080"),
        ("other, CHAT.example", "http://chat.example"),
        (".example", "http://chat.example"),
        ("*.example", "http://chat.example"),
        ("example", "http://chat.example"),
        ("chat.example:8080", "http://chat.example:8080"),
        ("chat.example:80", "http://chat.example"),
        ("chat.example.", "http://chat.example"),
        ("192.0.2.1", "http://192.0.2.1:8080"),
        ("192.0.2.1:8080", "http://192.0.2.1:8080"),
        ("10.0.0.0/8 192.0.2.0/24", "http://192.0.2.1:8080"),
        ("2001:db8::/32", "http://[2001:db8::1]:8080"),
        ("[2001:db8::1]", "http://[2001:db8:0::1]:8080"),
        ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
    ],
)
def test_what_is_excepted_is_asked_directly(variables: pytest.MonkeyPatch, no_proxy: str, server: str) -> None:
    variables.setenv("HTTP_PROXY", PROXY)
    variables.setenv("NO_PROXY", no_proxy)
    assert proxy_for(server) is None


@pytest.mark.parametrize(
    ("no_proxy", "server"),
    [
        (",", "http://chat.example"),
        ("at.example", "http://chat.example"),
        ("chat.example:81", "http://chat.example"),
        ("chat.example", "http://chat.example.org"),
        ("192.0.2.0/24", "http://192.0.3.1"),
        ("192.0.2.1:81", "http://192.0.2.1"),
        ("2", "http://192.0.2.2"),
        ("2001:db8::1", "http://[2001:db8::2]"),
        ("192.0.2.0/24", "http://chat.example"),
        ("[2001:db8::1]:81", "http://[2001:db8::1]"),
    ],
)
def test_what_is_not_excepted_is_not(variables: pytest.MonkeyPatch, no_proxy: str, server: str) -> None:
    variables.setenv("HTTP_PROXY", PROXY)
    variables.setenv("NO_PROXY", no_proxy)
    assert proxy_for(server) == PROXY


@pytest.mark.parametrize("proxy", ["socks5://proxy.example:1080", "https://proxy.example", "http://", "http://p:port"])
def test_a_proxy_of_another_kind_is_refused_and_not_passed_by(variables: pytest.MonkeyPatch, proxy: str) -> None:
    variables.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UnusableProxy, match=f"^HTTPS_PROXY is {proxy}, and chatty speaks to http:// proxies only$"):
        proxy_for("https://chat.example")
    variables.setenv("NO_PROXY", "chat.example")
    assert proxy_for("https://chat.example") is None
