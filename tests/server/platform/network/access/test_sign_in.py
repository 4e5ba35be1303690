"""Signing in at a running server: by a real OpenID provider, and by the header of a proxy. Attacks 13 and 14."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import jwt
import pytest

from chatty.credentials import is_token
from chatty.server.platform.network.access.sign_in import PROXY_SECRET
from tests.support.openid import Provider
from tests.support.server import Server

PEOPLE: Final = {
    "ada": {"preferred_username": "Ada", "groups": ["staff", "chat-admins"]},
    "bo": {"preferred_username": "Bo", "groups": ["staff"]},
}
CLIENT: Final = "chatty-RS256"
SECRET: Final = "s" * 32

Answer = tuple[int, Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider"), PEOPLE) as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.employ(PEOPLE)
    return running


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that believes a proxy on this machine."""
    with behind_proxy(tmp_path_factory.mktemp("proxied")) as server:
        yield server


def believing(data: Path, provider: Provider, *options: str, client: str = CLIENT) -> Server:
    issuer = ("--oidc-issuer", provider.url, "--oidc-client-id", client, "--oidc-admin", "chat-admins")
    return Server(data, "--access", "token", "--log-level", "debug", *issuer, *options)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, running: Provider) -> Iterator[Server]:
    with believing(tmp_path_factory.mktemp("believing") / "data", running) as server:
        yield server


def behind_proxy(directory: Path, *options: str, trusted: str = "127.0.0.1") -> Server:
    (directory / "secret").write_text(SECRET + "\n")
    known = ("--identity-header", "Remote-User", "--proxy-secret-file", str(directory / "secret"))
    return Server(directory / "data", "--access", "token", *known, "--trusted-proxy", trusted, *options)


def sign_in(
    server: Server, body: Any = None, headers: list[tuple[str, str]] | None = None, path: str = "/v1/login"
) -> Answer:
    """The status and the answer, also for headers of which there are several."""
    with closing(server.line()) as line:
        line.putrequest("POST", path)
        data = b"" if body is None else json.dumps(body).encode()
        line.putheader("Content-Length", str(len(data)))
        if data:
            line.putheader("Content-Type", "application/json")
        for name, value in headers or []:
            line.putheader(name, value.encode())
        line.endheaders(data)
        response = line.getresponse()
        return response.status, json.loads(response.read())


def me(server: Server, token: str) -> Any:
    return server.ask("GET", "/v1/me", token=token)


def code(answer: Answer) -> str:
    return str(answer[1].get("code", ""))


# --- OpenID -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["PS256", "EdDSA"])  # all others here use RS256, those of `chatty login` ES256
def test_an_id_token_of_a_real_provider_is_exchanged_for_a_token(
    tmp_path: Path, provider: Provider, algorithm: str
) -> None:
    client = f"chatty-{algorithm}"
    with believing(tmp_path / "data", provider, client=client) as server:
        status, issued = sign_in(server, {"id_token": provider.id_token("bo", client)})
        assert (status, issued["name"], issued["by"]) == (201, "Bo", "sign-in")
        assert is_token(issued["token"])
        own = me(server, issued["token"])
        assert (own["name"], own["trust"], own["role"], own["expires_at"]) == (
            "Bo", "verified", "member", issued["expires_at"],
        )  # fmt: skip


def test_everybody_can_see_how_one_signs_in(server: Server, provider: Provider) -> None:
    said = server.ask("GET", "/v1")
    assert said["sign_in"] == ["token", "oidc"]
    assert said["oidc"] == {"issuer": provider.url, "client_id": CLIENT}


def test_whoever_is_in_the_group_administers_until_the_first_sign_in_without_it(
    server: Server, provider: Provider
) -> None:
    first = sign_in(server, {"id_token": provider.id_token("ada")})[1]["token"]
    assert me(server, first)["role"] == "owner"
    provider.employ(PEOPLE | {"ada": {"preferred_username": "Ada", "groups": ["staff"]}})
    second = sign_in(server, {"id_token": provider.id_token("ada")})[1]["token"]
    assert [me(server, token)["role"] for token in (first, second)] == ["member", "member"]


def test_somebody_is_the_same_at_each_sign_in_whatever_they_are_called_by_then(
    server: Server, provider: Provider
) -> None:
    provider.employ({"gil": {"preferred_username": "Gil"}})
    first = sign_in(server, {"id_token": provider.id_token("gil")})[1]
    provider.employ({"gil": {"preferred_username": "Hal"}, "hal": {"preferred_username": "Gil"}})
    second = sign_in(server, {"id_token": provider.id_token("gil")})[1]
    assert (second["name"], me(server, second["token"])["identity"]) == ("Gil", me(server, first["token"])["identity"])
    taken = sign_in(server, {"id_token": provider.id_token("hal")})
    assert (taken[0], code(taken)) == (409, "name_taken")
    assert "an administrator decides" in taken[1]["detail"]


def test_a_name_that_looks_like_somebody_else_s_is_refused(server: Server, provider: Provider) -> None:
    sign_in(server, {"id_token": provider.id_token("ada")})
    provider.employ({"eve": {"preferred_username": "\N{CYRILLIC CAPITAL LETTER A}da"}})
    assert code(sign_in(server, {"id_token": provider.id_token("eve")})) == "name_taken"


def test_a_ban_holds_for_the_next_sign_in_and_is_in_the_audit_log(server: Server, provider: Provider) -> None:
    provider.employ({"kit": {"preferred_username": "Kit"}})
    token = sign_in(server, {"id_token": provider.id_token("kit")})[1]["token"]
    server.operate("POST", "/v1/server/restrictions", {"act": "ban", "name": "Kit"})
    answer = sign_in(server, {"id_token": provider.id_token("kit")})
    assert (answer[0], code(answer)) == (403, "banned")
    assert me(server, token)["can"] == []
    audit = server.operate("GET", "/v1/server/audit")["entries"]
    assert [entry["what"].partition(",")[0] for entry in audit[:2]] == ["banned", "signed in"]


def test_a_token_for_another_client_or_of_another_provider_is_refused(
    server: Server, provider: Provider, tmp_path: Path
) -> None:
    before = server.operate("GET", "/v1/tokens?all=true")
    other = sign_in(server, {"id_token": provider.id_token("bo", "other")})
    assert (other[0], code(other)) == (401, "unauthorized")
    assert "another client" in other[1]["detail"]
    (tmp_path / "other").mkdir()
    with Provider(tmp_path / "other", PEOPLE) as stranger:
        forged = stranger.id_token("ada")
    assert code(sign_in(server, {"id_token": forged})) == "unauthorized"
    said = jwt.decode(forged, options={"verify_signature": False}) | {"iss": provider.url}
    for secret in map(json.dumps, provider.keys()):
        assert code(sign_in(server, {"id_token": _by_secret(said, secret)})) == "unauthorized"
    assert code(sign_in(server, {"id_token": jwt.encode(said, "", "none")})) == "unauthorized"
    assert server.operate("GET", "/v1/tokens?all=true") == before


def _by_secret(claims: Any, secret: str) -> str:
    """A token that is signed with a text as its secret, which is public: the library wouldn't do that."""
    parts = (json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "rsa"}, claims))
    said = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret.encode(), said, "sha256")
    return (said + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_a_server_starts_without_its_provider_and_goes_on_without_it(tmp_path: Path) -> None:
    provider = Provider(tmp_path, PEOPLE)
    with provider:
        earlier = provider.id_token("bo")
    with believing(tmp_path / "data", provider) as server:
        answer = sign_in(server, {"id_token": earlier})
        assert (answer[0], code(answer)) == (503, "unavailable")
        assert "keys could not be fetched" in server.log
        provider.start()
        server.restart()
        kept = provider.id_token("bo")
        assert sign_in(server, {"id_token": kept})[0] == 201
        provider.stop()
        assert sign_in(server, {"id_token": kept})[0] == 201  # its keys are known


def test_a_sign_in_lasts_as_long_as_the_setting_says(tmp_path: Path, provider: Provider) -> None:
    with believing(tmp_path / "data", provider, "--login-age", "8h") as server:
        issued = sign_in(server, {"id_token": provider.id_token("bo")})[1]
    hours = [int(issued[field][11:13]) for field in ("at", "expires_at")]
    assert (hours[1] - hours[0]) % 24 == 8


def test_the_name_comes_from_the_claim_of_the_setting(tmp_path: Path, provider: Provider) -> None:
    provider.employ(
        {"bo": {"preferred_username": "Bo\N{RIGHT-TO-LEFT OVERRIDE}"}, "cy": {"preferred_username": ["Cy"]}}
    )
    with believing(tmp_path / "data", provider, "--oidc-name", "sub") as server:
        assert sign_in(server, {"id_token": provider.id_token("bo")})[1]["name"] == "bo"
    with believing(tmp_path / "data", provider) as server:
        for person in ("bo", "cy", "nobody-in-particular"):
            assert code(sign_in(server, {"id_token": provider.id_token(person)})) == "name_invalid", person


def test_nothing_secret_of_a_sign_in_is_logged_or_repeated(server: Server, provider: Provider) -> None:
    good, bad = provider.id_token("bo"), provider.id_token("bo", "other")
    issued = sign_in(server, {"id_token": good})[1]["token"]
    answers = [sign_in(server, {"id_token": token}) for token in (bad, good[:-4], good + "A" * 40_000)]
    answers.append(sign_in(server, {"id_token": good}, path=f"/v1/login?id_token={good}"))
    answers.append(sign_in(server, {good: good}))
    assert [code(answer) for answer in answers] == ["unauthorized"] * 2 + ["bad_request"] * 2 + ["unauthorized"]
    shown = server.log + json.dumps(answers)
    assert not any(secret.rpartition(".")[2] in shown for secret in (good, bad, issued))


@pytest.mark.parametrize("body", [{}, {"id_token": ""}, {"id_token": None}, {"id_token": 1}, [], "x", None])
def test_a_body_without_a_proof_is_refused(server: Server, body: Any) -> None:
    assert code(sign_in(server, body)) in ("bad_request", "unauthorized")


# --- attack 14: the header of a proxy -----------------------------------------------------------------------


def named(*names: str, secret: str | None = SECRET, header: str = "Remote-User") -> list[tuple[str, str]]:
    return [(header, name) for name in names] + ([(PROXY_SECRET, secret)] if secret is not None else [])


def test_the_proxy_s_word_is_exchanged_for_a_token(proxied: Server) -> None:
    assert proxied.ask("GET", "/v1")["sign_in"] == ["token", "proxy"]
    status, first = sign_in(proxied, None, named("Ada"))
    assert (status, first["name"]) == (201, "Ada")
    again = sign_in(proxied, {}, named("Ada", header="remote-user"))[1]
    assert me(proxied, again["token"])["identity"] == me(proxied, first["token"])["identity"]
    assert me(proxied, first["token"])["role"] == "member"
    assert code(sign_in(proxied, None, named("ada"))) == "name_taken"  # it is another subject, of the same name
    assert sign_in(proxied, None, named("Łukasz"))[1]["name"] == "Łukasz"


@pytest.mark.parametrize(
    "headers",
    [
        named("Ada", secret=None),
        named("Ada", secret=""),
        named("Ada", secret=SECRET[:-1]),
        named("Ada", secret=SECRET + "s"),
        named("Ada", secret="ü" * 32),
        [*named("Ada"), (PROXY_SECRET, SECRET)],
        [*named("Ada", secret="x"), (PROXY_SECRET, SECRET)],
    ],
)
def test_without_the_proxy_s_secret_its_header_is_worth_nothing(
    proxied: Server, headers: list[tuple[str, str]]
) -> None:
    answer = sign_in(proxied, None, headers)
    assert (answer[0], code(answer)) == (401, "unauthorized")
    assert SECRET not in proxied.log + json.dumps(answer)


def test_from_elsewhere_than_the_proxy_the_header_is_worth_nothing_even_with_the_secret(tmp_path: Path) -> None:
    with behind_proxy(tmp_path, trusted="192.0.2.1") as server:
        for more in ([], [("X-Forwarded-For", "192.0.2.1")], [("Forwarded", "for=192.0.2.1")]):
            assert code(sign_in(server, None, named("Ada") + more)) == "unauthorized"


@pytest.mark.parametrize("names", [("Ada", "Eve"), ("Ada", "Ada"), ("Ada, Eve",), ("Ada,",)])
def test_two_names_are_refused(proxied: Server, names: tuple[str, ...]) -> None:
    answer = sign_in(proxied, None, named(*names))
    assert (answer[0], code(answer)) == (400, "bad_request")


@pytest.mark.parametrize("twin", ["Remote_User", "remote_user", "REMOTE_USER", "X-Chatty_Proxy-Secret"])
def test_a_header_that_some_would_take_for_the_proxy_s_is_refused_whoever_sends_it(proxied: Server, twin: str) -> None:
    for headers in ([*named("Ada"), (twin, "Eve")], [(twin, "Eve")], [(twin, "Eve"), *named(secret=SECRET)]):
        answer = sign_in(proxied, None, headers)
        assert (answer[0], code(answer)) == (400, "bad_request")


def test_without_a_name_nobody_signs_in(proxied: Server) -> None:
    for names in ((), ("",), (" ",)):
        assert code(sign_in(proxied, None, named(*names))) == "unauthorized"
    assert code(sign_in(proxied, None, named("A\N{RIGHT-TO-LEFT OVERRIDE}da"))) == "name_invalid"
    assert code(sign_in(proxied, None, named("x" * 33))) == "name_invalid"
    assert code(sign_in(proxied, {"id_token": "x.y.z"}, named("Ada"))) == "not_allowed"  # there is no provider


def test_on_every_other_route_the_header_means_nothing(proxied: Server) -> None:
    room = proxied.operate("POST", "/v1/rooms", {"name": "x"})["id"]
    for path in ("/v1/tokens", "/v1/rooms", "/chat?name=x", f"/v1/rooms/{room}/messages", f"/v1/rooms/{room}/kick"):
        body = {"name": "x", "participant": "Ada", "text": "x"}
        assert code(sign_in(proxied, body, named("Ada"), path)) == "unauthorized", path
    with closing(proxied.line()) as line:
        line.request("GET", "/v1/me", headers=dict(named("Ada")))
        said = json.loads(line.getresponse().read())
    assert (said["trust"], said.get("name")) == ("none", None)


def test_the_operator_does_not_sign_in_as_somebody_else(proxied: Server) -> None:
    with pytest.raises(AssertionError, match="unauthorized"):
        proxied.operate("POST", "/v1/login")


def test_both_ways_can_be_open_and_lead_to_different_people(tmp_path: Path, provider: Provider) -> None:
    issuer = ("--oidc-issuer", provider.url, "--oidc-client-id", CLIENT, "--oidc-name", "sub")
    with behind_proxy(tmp_path, *issuer) as server:
        assert server.ask("GET", "/v1")["sign_in"] == ["token", "oidc", "proxy"]
        assert sign_in(server, None, named("ada"))[1]["name"] == "ada"
        assert code(sign_in(server, {"id_token": provider.id_token("ada")}, named("eve"))) == "name_taken"


def test_nobody_signs_in_at_a_server_that_believes_nobody(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        assert server.ask("GET", "/v1")["sign_in"] == ["token"]
        for body in (None, {"id_token": "x.y.z"}):
            answer = sign_in(server, body, named("Ada"))
            assert (answer[0], code(answer)) == (403, "not_allowed")
