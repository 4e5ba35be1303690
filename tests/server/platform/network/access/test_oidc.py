"""Whom an OpenID provider vouches for, and for whom somebody else pretends that it does: attack 13."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from chatty.errors import Refused
from chatty.server.platform.network.access import oidc
from chatty.server.platform.network.access.oidc import (
    AGAIN_SECONDS,
    ALGORITHMS,
    MOST_BYTES,
    RETRY_SECONDS,
    STALE_SECONDS,
    Issuer,
    is_safe,
    metadata_url,
)
from tests.support.certificates import Authority
from tests.support.scripted import Scripted

NOW: Final = 1_700_000_000
DAY: Final = 86_400
CLIENT: Final = "chatty"
RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS: Final[dict[str, Any]] = {
    "RS256": RSA,
    "PS256": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def public(algorithm: str, key: Any, **more: Any) -> dict[str, Any]:
    shown: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return shown | {"kid": f"key of {algorithm}", "use": "sig", "alg": algorithm} | more


class House:
    """A provider that says what it is told to, and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: Any = [public(algorithm, key) for algorithm, key in KEYS.items()]
        self.metadata: dict[str, Any] = {}
        self.asked = 0
        self.is_down = False
        self.at, self.ticks = float(NOW), 0.0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.is_down:
            return web.Response(status=503)
        if request.path == "/.well-known/openid-configuration":
            return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.metadata)
        self.asked += 1
        return web.json_response({"keys": self.keys}) if isinstance(self.keys, list) else web.Response(body=self.keys)

    url = ""

    def begin(self) -> Issuer:
        return Issuer(self.url, CLIENT, now=lambda: round(self.at * 1000), clock=lambda: self.ticks)

    def claims(self) -> dict[str, Any]:
        return {"iss": self.url, "sub": "1", "aud": CLIENT, "iat": NOW, "exp": NOW + 3600}

    def token(self, algorithm: str = "RS256", *, key: Any = None, header: Any = None, **claims: Any) -> str:
        said = self.claims() | claims
        said = {claim: value for claim, value in said.items() if value is not None}
        kid = {"kid": f"key of {algorithm}"} if header is None else header
        return jwt.encode(said, key or KEYS[algorithm], algorithm, kid)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with Scripted(house.answer) as scripted:
        house.url = scripted.url
        yield house


async def refusal(issuer: Issuer, token: str) -> str:
    with pytest.raises(Refused) as refused:
        await issuer.claims(token)
    assert len(token) < 40 or token[-40:] not in refused.value.message
    assert refused.value.code == "unauthorized"
    return refused.value.message


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


# --- what counts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_that_the_issuer_signed_for_this_server_counts(house: House, algorithm: str) -> None:
    claims = await house.begin().claims(house.token(algorithm, groups=["staff"]))
    assert (claims["sub"], claims["groups"]) == ("1", ["staff"])


async def test_a_key_may_leave_out_its_algorithm_and_its_use_and_one_alone_its_id(house: House) -> None:
    house.keys = [{"kty": "RSA", "n": house.keys[0]["n"], "e": "AQAB"}]
    issuer = house.begin()
    for algorithm in ("RS256", "PS256"):
        assert await issuer.claims(house.token(algorithm, header={}))
    house.keys = [public("RS256", RSA), public("RS256", RSA, kid="another")]
    assert "no such key" in await refusal(house.begin(), house.token(header={}))


async def test_several_audiences_count_if_the_token_says_that_this_one_asked_for_it(house: House) -> None:
    issuer = house.begin()
    assert await issuer.claims(house.token(aud=[CLIENT]))
    assert await issuer.claims(house.token(aud=[CLIENT, "other"], azp=CLIENT))
    assert "for several clients" in await refusal(issuer, house.token(aud=[CLIENT, "other"]))
    for azp in (None, CLIENT):
        assert "for another client" in await refusal(issuer, house.token(aud=["other"], azp=azp))
    assert "for another client" in await refusal(issuer, house.token(azp="other"))


# --- attack 13: what does not ------------------------------------------------------------------------------


async def test_a_token_that_nobody_signed_does_not_count(house: House) -> None:
    issuer, (head, body, _) = house.begin(), house.token().split(".")
    names: list[Any] = ["none", "None", "NONE", "", None, ["RS256"], 1, {}]
    for name in names:
        for signature in ("", part(b"x" * 256)):
            for kid in ({}, {"kid": "key of RS256"}):
                await refusal(issuer, f"{part({'alg': name, 'typ': 'JWT'} | kid)}.{body}.{signature}")
    await refusal(issuer, f"{head}.{body}.")


@pytest.mark.parametrize("form", ["PEM", "DER", "JWK", "JWKS"])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_the_public_key_is_not_a_secret_to_sign_with(house: House, algorithm: str, form: str) -> None:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "PEM": RSA.public_key().public_bytes(serialization.Encoding.PEM, spki),
        "DER": RSA.public_key().public_bytes(serialization.Encoding.DER, spki),
        "JWK": json.dumps(house.keys[0]).encode(),
        "JWKS": json.dumps({"keys": house.keys}).encode(),
    }[form]
    body = house.token().split(".")[1]
    said = f"{part({'alg': algorithm, 'kid': 'key of RS256'})}.{body}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    assert "is not accepted" in await refusal(
        house.begin(), f"{said}.{part(hmac.digest(secret, said.encode(), digest))}"
    )


async def test_a_secret_among_the_keys_and_a_key_in_the_token_are_of_no_use(house: House) -> None:
    secret = b"s" * 32
    house.keys += [{"kty": "oct", "k": part(secret), "kid": "shared", "alg": "HS256"}]
    await refusal(house.begin(), house.token("HS256", key=secret, header={"kid": "shared"}))
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own = public("RS256", mine, kid="mine")
    for header in ({"jwk": own}, {"jwk": own, "kid": "mine"}, {"jku": f"{house.url}/mine"}, {"kid": "key of RS256"}):
        await refusal(house.begin(), house.token(key=mine, header=header))


async def test_a_signature_of_another_algorithm_or_kind_of_key_does_not_count(house: House) -> None:
    issuer = house.begin()
    for algorithm in ("RS384", "RS512", "PS512"):
        await refusal(issuer, house.token(algorithm, key=RSA, header={"kid": "key of RS256"}))
    await refusal(issuer, house.token("PS256", header={"kid": "key of RS256"}))  # that key is for RS256 alone
    await refusal(issuer, house.token("RS256", header={"kid": "key of ES256"}))
    p384 = ec.generate_private_key(ec.SECP384R1())
    house.keys = [public("ES384", p384, kid="key of ES256", alg="ES256"), public("RS256", RSA, use="enc")]
    await refusal(house.begin(), house.token("ES384", key=p384, header={"kid": "key of ES256"}))
    await refusal(house.begin(), house.token())  # that key is for encryption
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - a key made quickly
    house.keys = [public("RS256", small)]
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = house.token(key=small)
    await refusal(house.begin(), token)


@pytest.mark.parametrize("field", ["sub", "exp", "iat", "iss", "aud"])
async def test_a_claim_that_is_missing_or_of_another_kind_is_not_made_up(house: House, field: str) -> None:
    issuer, said = house.begin(), house.claims()
    values: list[Any] = [None, [], {}, True, "", NOW if field in ("sub", "iss", "aud") else "x"]
    for value in values:
        await refusal(issuer, _signed(said | {field: value}))


def _signed(claims: dict[str, Any]) -> str:
    said = {claim: value for claim, value in claims.items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(said).encode(), RSA, "RS256", {"kid": "key of RS256"})


async def test_a_signed_text_that_is_no_set_of_claims_does_not_count(house: House) -> None:
    issuer = house.begin()
    for text in (b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"sub": "\\ud800"}'):
        await refusal(issuer, jwt.PyJWS().encode(text, RSA, "RS256", {"kid": "key of RS256"}))
    for token in ("", ".", "..", "...", "x", "ö.ö.ö", "\ud800", house.token() + "x", house.token() + ".x"):
        await refusal(issuer, token)
    await refusal(issuer, house.token(header={"kid": "key of RS256", "crit": ["exp"]}))
    for typ in ("at+jwt", "logout+jwt"):
        assert "another kind" in await refusal(issuer, house.token(header={"kid": "key of RS256", "typ": typ}))


async def test_another_issuer_s_token_does_not_count_even_if_it_has_the_same_key(house: House) -> None:
    issuer = house.begin()
    for other in (house.url + "/", house.url.upper(), house.url + "/realms/x", "https://id.example"):
        assert "another issuer" in await refusal(issuer, house.token(iss=other))


@pytest.mark.parametrize("ahead", [DAY, -DAY])
async def test_a_clock_that_is_a_day_off_refuses_and_one_that_is_half_a_minute_off_does_not(
    house: House, ahead: int
) -> None:
    issuer = house.begin()
    house.at = NOW + ahead
    assert ("run out" if ahead > 0 else "clock") in await refusal(issuer, house.token())
    house.at = NOW + (3630 if ahead > 0 else -30)
    assert await issuer.claims(house.token())
    house.at = NOW + (3661 if ahead > 0 else -61)
    await refusal(issuer, house.token())
    house.at = NOW
    assert "clock" in await refusal(issuer, house.token(nbf=NOW + 61))


# --- keys ---------------------------------------------------------------------------------------------------


async def test_a_thousand_unknown_keys_are_asked_for_once_a_minute(house: House) -> None:
    issuer = house.begin()
    await issuer.claims(house.token())
    tokens = [house.token(header={"kid": f"unknown {number}"}) for number in range(1000)]
    house.ticks += AGAIN_SECONDS
    assert set(await asyncio.gather(*(refusal(issuer, token) for token in tokens))) == {
        "This ID token doesn't count: the issuer has no such key."
    }
    assert house.asked == 2
    house.ticks += AGAIN_SECONDS - 1
    for token in tokens[:10]:
        await refusal(issuer, token)
    assert house.asked == 2
    assert await issuer.claims(house.token())


async def test_a_new_key_counts_as_soon_as_it_is_used_and_a_withdrawn_one_no_longer_than_an_hour(house: House) -> None:
    issuer, second = house.begin(), rsa.generate_private_key(public_exponent=65537, key_size=2048)
    await issuer.claims(house.token())
    house.keys = [public("RS256", second, kid="second")]
    house.ticks += AGAIN_SECONDS
    assert await issuer.claims(house.token(key=second, header={"kid": "second"}))
    house.keys = [public("RS256", RSA)]
    house.ticks += STALE_SECONDS + 1
    await refusal(issuer, house.token(key=second, header={"kid": "second"}))


async def test_the_keys_are_kept_as_long_as_the_issuer_is_down(house: House) -> None:
    issuer = house.begin()
    await issuer.claims(house.token())
    house.is_down = True
    house.ticks += STALE_SECONDS + 1
    assert await issuer.claims(house.token())
    await refusal(issuer, house.token(header={"kid": "unknown"}))
    house.is_down, house.keys = False, []
    house.ticks += STALE_SECONDS + 1
    assert await issuer.claims(house.token())  # nor does an answer without keys take them


async def test_where_the_issuer_was_never_up_nobody_signs_in_until_it_is(house: House) -> None:
    issuer = house.begin()
    house.is_down = True
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            await issuer.claims(house.token())
        assert (refused.value.code, refused.value.retry_after) == ("unavailable", RETRY_SECONDS)
    house.is_down = False
    house.ticks += RETRY_SECONDS
    assert await issuer.claims(house.token())


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://id.example"},
        {"issuer": None},
        {"jwks_uri": "http://id.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 1},
        {"filler": "x" * MOST_BYTES},
    ],
)
async def test_metadata_that_is_wrong_leads_nowhere(house: House, metadata: dict[str, Any]) -> None:
    house.metadata = metadata
    with pytest.raises(Refused, match="could not be fetched"):
        await house.begin().claims(house.token())
    assert house.asked == 0


@pytest.mark.parametrize("keys", [b"", b"[]", b"\xff", b'{"keys": 1}', b'{"keys": [1]}', b"[" * 60_000, b" " * 70_000])
async def test_keys_that_are_none_make_nobody_known(house: House, keys: bytes) -> None:
    house.keys = keys
    with pytest.raises(Refused, match="could not be fetched"):
        await house.begin().claims(house.token())


async def test_keys_that_are_not_fetched_over_https_are_not_fetched(house: House) -> None:
    house.metadata = {"jwks_uri": f"{house.url.replace('127.0.0.1', '0.0.0.0')}/keys"}  # it leads to the same
    with pytest.raises(Refused, match="could not be fetched"):
        await house.begin().claims(house.token())
    assert house.asked == 0


async def test_a_redirect_is_not_followed(house: House) -> None:
    async def away(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": house.url + request.path})

    async with Scripted(away) as elsewhere:
        house.metadata = {"issuer": elsewhere.url}
        issuer = Issuer(elsewhere.url, CLIENT, now=lambda: NOW * 1000, clock=lambda: 0.0)
        with pytest.raises(Refused, match="could not be fetched"):
            await issuer.claims(house.token())
    assert house.asked == 0


async def test_an_issuer_that_nobody_vouches_for_or_that_never_answers_has_no_keys(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "FETCH_SECONDS", 0.2)
    hangs = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        await hangs.wait()
        return web.Response()

    async with Scripted(hang, files=Authority().issue(tmp_path)) as unknown, Scripted(hang) as silent:
        for url in (unknown.url, silent.url):
            issuer = Issuer(url, CLIENT, now=lambda: NOW * 1000, clock=lambda: 0.0)
            with pytest.raises(Refused, match="could not be fetched"):
                await issuer.claims(house.token())
        hangs.set()


async def test_one_that_hangs_up_while_keys_are_fetched_does_not_take_them_from_the_others(house: House) -> None:
    issuer = house.begin()
    first = asyncio.create_task(issuer.claims(house.token()))
    second = asyncio.create_task(issuer.claims(house.token()))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert house.asked == 1


@pytest.mark.parametrize(
    "url", ["http://id.example", "ftp://id.example", "id.example", "https://", "http://[", "http://127.0.0.1.nip.io"]
)
def test_nothing_is_fetched_where_somebody_on_the_way_could_change_it(url: str) -> None:
    assert not is_safe(url)


def test_an_issuer_s_metadata_is_below_its_path() -> None:
    assert is_safe("https://id.example/realms/x")
    for issuer in ("https://id.example/realms/x", "https://id.example/realms/x/"):
        assert metadata_url(issuer) == "https://id.example/realms/x/.well-known/openid-configuration"
