"""The device grant, at providers that are slow, broken or hostile; `login --sso` is tested with a real one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from chatty.client.oidc import Device, Provider, Tokens
from chatty.errors import ProtocolError, Refused, Unreachable
from tests.support.certificates import Authority
from tests.support.scripted import Scripted

DEVICE = Device("secret", "ABCD", "https://id.example/device", 600, interval=0.2)
TOKENS = {"id_token": "x.y.z", "refresh_token": "r"}
Said = tuple[int, Any]


class House:
    """A provider that answers its token endpoint with one answer after the other."""

    def __init__(self) -> None:
        self.url = ""
        self.metadata: dict[str, Any] = {}
        self.answers: list[Said] = []
        self.asked: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            said = {
                "issuer": self.url, "token_endpoint": f"{self.url}/token",
                "device_authorization_endpoint": f"{self.url}/device",
            }  # fmt: skip
            return web.json_response(said | self.metadata)
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        status, body = self.answers.pop(0)
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers={"Location": self.url})

    def provider(self) -> Provider:
        return Provider(self.url, "chatty")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with Scripted(house.answer) as scripted:
        house.url = scripted.url
        yield house


def error(code: str, **more: str) -> Said:
    return 400, {"error": code, **more}


async def finished(house: House, *answers: Said, device: Device = DEVICE) -> Tokens:
    house.answers = list(answers)
    async with house.provider() as provider:
        return await provider.finish(device)


async def test_it_asks_again_until_somebody_has_signed_in(house: House) -> None:
    pending = error("authorization_pending")
    assert await finished(house, pending, pending, (200, TOKENS)) == Tokens("x.y.z", "r")
    assert house.asked[0] == {
        "client_id": "chatty",
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "secret",
    }
    assert len(house.asked) == 3


async def test_a_provider_that_is_away_for_a_moment_is_asked_again_later(house: House) -> None:
    assert await finished(house, (503, ""), (429, ""), (200, TOKENS)) == Tokens("x.y.z", "r")


async def test_it_asks_less_often_where_it_was_too_fast(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from chatty.client import oidc

    monkeypatch.setattr(oidc, "_SLOWER", 0.1)
    assert await finished(house, error("slow_down"), error("slow_down"), (200, TOKENS))
    assert len(house.asked) == 3


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (error("access_denied"), "denied"),
        (error("expired_token"), "in time"),
        (error("invalid_client", error_description="no such client"), r"invalid_client \(no such client\)"),
        ((200, {}), "no ID token"),
        ((200, {"access_token": "x"}), "no ID token"),
    ],
)
async def test_a_no_is_final_and_says_why(house: House, answer: Said, text: str) -> None:
    with pytest.raises(Refused, match=text) as refused:
        await finished(house, answer)
    assert refused.value.code == "unauthorized"
    assert "secret" not in str(refused.value)


async def test_it_does_not_wait_for_longer_than_the_code_lasts(house: House) -> None:
    device = Device("secret", "ABCD", "https://id.example", 0.5, interval=0.2)
    with pytest.raises(Refused, match="in time"):
        await finished(house, *[error("authorization_pending")] * 5, device=device)


@pytest.mark.parametrize("answer", [(200, "{"), (200, "[]"), (200, '"' + "x" * 70_000), (302, ""), (404, "")])
async def test_something_that_is_no_provider_is_said_to_be_none(house: House, answer: Said) -> None:
    with pytest.raises(ProtocolError):
        await finished(house, answer)


async def test_the_scopes_are_those_that_the_provider_has(house: House) -> None:
    device = {"device_code": "secret", "user_code": "ABCD", "verification_uri": "https://id.example", "expires_in": 600}
    for known, asked in (
        ({}, "openid profile"),
        ({"scopes_supported": ["email", "offline_access", "groups", "x"]}, "openid email groups offline_access"),
    ):
        house.metadata, house.answers = known, [(200, device)]
        async with house.provider() as provider:
            assert (await provider.begin()).interval == 5.0
        assert house.asked[-1]["scope"] == asked


async def test_a_provider_that_refuses_to_begin_or_offers_no_codes_says_so(house: House) -> None:
    house.answers = [error("unauthorized_client")]
    async with house.provider() as provider:
        with pytest.raises(Refused, match="unauthorized_client"):
            await provider.begin()
    house.metadata = {"device_authorization_endpoint": ""}
    async with house.provider() as provider:
        with pytest.raises(ProtocolError, match="no sign-in by a code"):
            await provider.begin()


async def test_a_refresh_token_counts_until_there_is_another_one(house: House) -> None:
    house.answers = [(200, {"id_token": "x.y.z"}), (200, TOKENS), error("invalid_grant")]
    async with house.provider() as provider:
        assert await provider.renew("first") == Tokens("x.y.z", "first")
        assert await provider.renew("first") == Tokens("x.y.z", "r")
        with pytest.raises(Refused, match="sign in again"):
            await provider.renew("r")


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://id.example"},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "http://["},
        {"device_authorization_endpoint": "http://id.example/device"},
        {"token_endpoint": None},
    ],
)
async def test_no_secret_is_sent_to_somebody_else_or_in_the_clear(house: House, metadata: dict[str, Any]) -> None:
    house.metadata = metadata
    with pytest.raises(ProtocolError):
        async with house.provider():
            pass
    assert house.asked == []


@pytest.mark.parametrize("issuer", ["http://id.example", "id.example", "https://", "ftp://id.example", "http://["])
async def test_a_provider_that_is_not_asked_over_https_is_not_asked_at_all(issuer: str) -> None:
    with pytest.raises(ProtocolError, match="not https"):
        async with Provider(issuer, "chatty"):
            pass


async def test_a_provider_that_is_down_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        async with Provider("http://127.0.0.1:1", "chatty"):
            pass


async def test_a_provider_is_believed_if_the_system_or_the_user_s_own_authority_vouches_for_it(tmp_path: Path) -> None:
    house, authority = House(), Authority()
    async with Scripted(house.answer, files=authority.issue(tmp_path)) as scripted:
        house.url = scripted.url
        async with Provider(house.url, "chatty", cacert=authority.write(tmp_path / "ca.pem")):
            pass
        with pytest.raises(Unreachable) as error:
            async with house.provider():
                pass
    assert error.value.because == "certificate"
