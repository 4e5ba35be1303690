"""An OpenID provider as this server sees it: its keys, and whom its ID tokens vouch for.

This module needs the extra ``oidc`` (PyJWT with cryptography), which computes
signatures; it is imported only where a provider is set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
import jwt
import msgspec
import structlog
from msgspec import Struct

from chatty.errors import Refused
from chatty.server.platform.network.addresses import is_loopback

T = TypeVar("T")

ALGORITHMS: Final = {
    "RS256": ("RSA", None), "PS256": ("RSA", None), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519"),
}  # fmt: skip
"""Each algorithm that a signature may have, with the type and the curve of its keys. All of them are asymmetric."""
LEEWAY: Final = 60.0
"""Seconds by which the provider's clock may differ from this server's."""
MOST_BYTES: Final = 64 * 1024
"""Of the provider's metadata and of its keys."""
FETCH_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 60.0
"""How soon the keys are fetched again: anybody may show a token that names an unknown one."""
RETRY_SECONDS: Final = 5.0
"""The same as long as there are none."""
STALE_SECONDS: Final = 3600.0
"""After that, the keys are fetched again, because the provider may have withdrawn one."""

_LOG = structlog.get_logger("chatty")
_JWS: Final = jwt.PyJWS(options={"enforce_minimum_key_length": True})


class Claims(Struct, frozen=True):
    """The claims of an ID token that are checked (OpenID Connect Core, 2)."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nbf: float = 0
    azp: str | None = None


class _Metadata(Struct, frozen=True):
    issuer: str
    jwks_uri: str


class _KeySet(Struct, frozen=True):
    keys: list[dict[str, Any]]


class _Unusable(Exception):
    """The provider's answer can't be used; the text says why."""


class Issuer:
    """The provider at ``url``, whose ID tokens are for ``client_id``.

    ``now`` is the time in milliseconds since 1970, and ``clock`` a time in
    seconds that never runs backwards.
    """

    def __init__(self, url: str, client_id: str, *, now: Callable[[], int], clock: Callable[[], float]) -> None:
        self.url, self.client_id = url, client_id
        self._now, self._clock = now, clock
        self._keys: list[dict[str, Any]] = []
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def claims(self, id_token: str) -> dict[str, Any]:
        """The claims of an ID token. Raises Refused for one that doesn't count, or if that can't be told."""
        try:
            header = _JWS.get_unverified_header(id_token)
            key = await self._key(header)
            signed = _JWS.decode(id_token, key, algorithms=list(ALGORITHMS))
        except (jwt.PyJWTError, ValueError):  # the texts quote the token
            raise _invalid("its signature is not valid") from None
        try:
            found: dict[str, Any] = msgspec.json.decode(signed, type=dict[str, Any])
            claims = msgspec.convert(found, Claims)
        except (ValueError, RecursionError):
            raise _invalid("a claim is missing, or is of the wrong kind") from None
        self._check(claims)
        return found

    def _check(self, claims: Claims) -> None:
        at = self._now() / 1000
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self.url:
            raise _invalid("it is from another issuer")
        if self.client_id not in audience or claims.azp not in (None, self.client_id):
            raise _invalid("it is for another client")
        if len(audience) > 1 and claims.azp is None:
            raise _invalid("it is for several clients, and doesn't say which of them asked for it")
        if claims.exp <= at - LEEWAY:
            raise _invalid("it has run out; sign in again")
        if max(claims.iat, claims.nbf) > at + LEEWAY:
            raise _invalid("it is not valid yet: this server's clock or the issuer's is wrong")
        if not claims.sub:
            raise _invalid("it names nobody")

    # --- keys -----------------------------------------------------------------------------------------------

    async def _key(self, header: dict[str, Any]) -> jwt.PyJWK:
        """The key that signed a token with this header. Raises Refused and PyJWTError."""
        algorithm, key_id = header.get("alg", ""), header.get("kid")
        is_accepted = isinstance(algorithm, str) and algorithm in ALGORITHMS
        if not is_accepted or str(header.get("typ", "JWT")).upper() != "JWT":
            raise _invalid("it is of another kind, or signed by an algorithm that is not accepted")
        if self._clock() - self._fetched_at > STALE_SECONDS:
            await self.fetch()
        found = self._usable(algorithm, key_id)
        if not found:
            await self.fetch()
            found = self._usable(algorithm, key_id)
        if not self._keys:
            raise Refused(
                "unavailable", "The issuer's keys could not be fetched, so nobody can sign in; try again soon.",
                retry_after=RETRY_SECONDS,
            )  # fmt: skip
        if len(found) != 1:
            raise _invalid("the issuer has no such key")
        return jwt.PyJWK(found[0], algorithm)

    def _usable(self, algorithm: str, key_id: Any) -> list[dict[str, Any]]:
        """The keys that a token may be signed with; where it doesn't say with which, there may be only one."""
        kind, curve = ALGORITHMS[algorithm]
        return [
            key
            for key in self._keys
            if key.get("kty") == kind and curve in (None, key.get("crv"))
            if key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
            if key_id is None or key.get("kid") == key_id
        ]

    async def fetch(self) -> None:
        """Fetch the keys, unless that was tried a moment ago. Where that fails, those that are known stay."""
        if self._fetching is None:
            pause = AGAIN_SECONDS if self._keys else RETRY_SECONDS
            if self._clock() - self._tried_at < pause:
                return
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch())
        # Somebody who hangs up must not take the keys from all others who wait for them.
        await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        try:
            self._keys = await self._fetched()
            self._fetched_at = self._clock()
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError, RecursionError, _Unusable) as error:
            _LOG.warning(
                "the OpenID provider's keys could not be fetched",
                issuer=self.url,
                error=str(error) or type(error).__name__,
                hint="those that were fetched before still count" if self._keys else "until then, nobody can sign in",
            )
        finally:
            self._fetching = None

    async def _fetched(self) -> list[dict[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers, auto_decompress=False) as session:
            metadata = await _get(session, metadata_url(self.url), _Metadata)
            if metadata.issuer != self.url:
                raise _Unusable(f"it calls itself {metadata.issuer!r}, which --oidc-issuer has to be, to the letter")
            if not is_safe(metadata.jwks_uri):
                raise _Unusable("its keys are not at an https address")
            keys = (await _get(session, metadata.jwks_uri, _KeySet)).keys
        usable = [key for key in keys if any(key.get("kty") == kind for kind, _ in ALGORITHMS.values())]
        if not usable:
            raise _Unusable("it has no key of a kind that is accepted")
        return usable


async def _get(session: aiohttp.ClientSession, url: str, kind: type[T]) -> T:
    async with session.get(url, allow_redirects=False) as response:
        if response.status != 200:
            raise _Unusable(f"{url} answered {response.status}")
        try:
            await response.content.readexactly(MOST_BYTES + 1)
        except asyncio.IncompleteReadError as whole:
            return msgspec.json.decode(whole.partial, type=kind)
    raise _Unusable(f"{url} answered more than {MOST_BYTES} bytes")


def metadata_url(issuer: str) -> str:
    """Where an issuer's metadata is (OpenID Connect Discovery, 4)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def is_safe(url: str) -> bool:
    """Whether nobody on the way can change what is fetched from ``url``."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def _invalid(why: str) -> Refused:
    return Refused("unauthorized", f"This ID token doesn't count: {why}.")
