"""Signing in at an OpenID provider from a terminal: the device grant (RFC 8628), and its renewal by a refresh token."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from chatty.client.decoding import UNREADABLE
from chatty.client.network.address import is_this_machine
from chatty.client.network.proxies import UnusableProxy, proxy_for
from chatty.client.network.tls import CaCert, also_trusting
from chatty.client.session import failures
from chatty.errors import ProtocolError, Refused, Unreachable

__all__ = ["Device", "Provider", "Tokens"]

T = TypeVar("T")

_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_SCOPES: Final = ("openid", "profile", "email", "groups", "offline_access")
"""What is asked for, as far as the provider knows it: claims that may name somebody, and a refresh token."""
_ALWAYS: Final = ("openid", "profile")
_MOST_BYTES: Final = 64 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=10)
_SLOWER: Final = 5.0
"""Seconds by which ``slow_down`` makes the interval longer (RFC 8628, 3.5)."""
_LEAST_INTERVAL: Final = 0.2
_LONGEST: Final = 3600.0


class Device(Struct, frozen=True):
    """What somebody has to do: open ``verification_uri`` in any browser, and type ``user_code`` there."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: float
    interval: float = 5.0
    verification_uri_complete: str = ""


class Tokens(NamedTuple):
    """What the provider answers in the end. ``refresh_token`` is empty if it gives none."""

    id_token: str
    refresh_token: str


class _Metadata(Struct, frozen=True):
    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str = ""
    scopes_supported: list[str] = []


class _Answer(Struct, frozen=True):
    """Of the token endpoint: tokens, or an error (RFC 6749, 5)."""

    id_token: str = ""
    refresh_token: str = ""
    error: str = ""
    error_description: str = ""


class Provider:
    """The OpenID provider ``issuer`` as its client ``client_id`` sees it, an async context manager.

    ``cacert`` are authorities to trust besides the system's. ``insecure``: its
    addresses need not be https. Methods raise `Unreachable` where nothing
    answers, `ProtocolError` where something else does, and `Refused` with
    ``unauthorized`` where it says no.
    """

    def __init__(self, issuer: str, client_id: str, *, cacert: CaCert = None, insecure: bool = False) -> None:
        self.issuer, self.client_id = issuer, client_id
        self._tls = also_trusting(cacert)
        self._insecure = insecure

    async def __aenter__(self) -> Self:
        self._check(self.issuer)
        try:
            proxy = proxy_for(self.issuer)
        except UnusableProxy as error:
            raise Unreachable(self.issuer, str(error), because="proxy", lasting=True) from None
        connector = aiohttp.TCPConnector(ssl=self._tls)
        self._session = aiohttp.ClientSession(connector=connector, proxy=proxy, timeout=_TIMEOUT)
        try:
            self._metadata = await self._read()
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def begin(self) -> Device:
        """Begins a sign-in."""
        endpoint = self._metadata.device_authorization_endpoint
        if not endpoint:
            raise ProtocolError(f"{self.issuer} offers no sign-in by a code: no device authorization endpoint")
        known = self._metadata.scopes_supported
        scopes = [scope for scope in _SCOPES if scope in (known or _ALWAYS) or scope == "openid"]
        answer, body = await self._post(endpoint, client_id=self.client_id, scope=" ".join(scopes))
        if answer.error:
            raise _refused(answer)
        return self._decoded(body, Device)

    async def finish(self, device: Device) -> Tokens:
        """Waits until the sign-in is done. It is Refused if somebody denies it, or lets the time for it pass."""
        now = asyncio.get_running_loop().time
        until, interval = now() + min(device.expires_in, _LONGEST), max(device.interval, _LEAST_INTERVAL)
        while now() < until:
            await asyncio.sleep(interval)
            try:
                answer = await self._tokens(grant_type=_GRANT, device_code=device.device_code)
            except Unreachable:
                interval *= 2  # RFC 8628, 3.5
                continue
            if answer.error == "slow_down":
                interval += _SLOWER
            elif answer.error != "authorization_pending":
                return _given(answer)
        raise Refused("unauthorized", "Nobody signed in in time; begin again.")

    async def renew(self, refresh_token: str) -> Tokens:
        """Other tokens, by a ``refresh_token``, which may be another one from then on."""
        tokens = _given(await self._tokens(grant_type="refresh_token", refresh_token=refresh_token))
        return tokens._replace(refresh_token=tokens.refresh_token or refresh_token)

    # --- asking ---------------------------------------------------------------------------------------------

    async def _read(self) -> _Metadata:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        with failures(self.issuer):
            async with self._session.get(url, allow_redirects=False) as response:
                body = await self._body(response, 200)
        metadata = self._decoded(body, _Metadata)
        if metadata.issuer != self.issuer:
            raise ProtocolError(f"{self.issuer} is not an OpenID provider of this name")
        for endpoint in (metadata.token_endpoint, metadata.device_authorization_endpoint):
            self._check(endpoint or self.issuer)
        return metadata

    async def _tokens(self, **fields: str) -> _Answer:
        answer, _ = await self._post(self._metadata.token_endpoint, client_id=self.client_id, **fields)
        return answer

    async def _post(self, endpoint: str, **fields: str) -> tuple[_Answer, bytes]:
        with failures(self.issuer):
            async with self._session.post(endpoint, data=fields, allow_redirects=False) as response:
                body = await self._body(response, 200, 400, 401, 403)
        return self._decoded(body, _Answer), body

    async def _body(self, response: aiohttp.ClientResponse, *expected: int) -> bytes:
        if response.status >= 500 or response.status == 429:
            raise Unreachable(self.issuer, f"{response.status} {response.reason}")
        if response.status not in expected:
            raise ProtocolError(f"{self.issuer} answered {response.status} {response.reason}")
        try:
            await response.content.readexactly(_MOST_BYTES + 1)
        except asyncio.IncompleteReadError as whole:
            return whole.partial
        raise ProtocolError(f"{self.issuer} answered too much")

    def _decoded(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except UNREADABLE:
            raise ProtocolError(f"{self.issuer} did not answer as an OpenID provider does") from None

    def _check(self, url: str) -> None:
        """Raises ProtocolError for an address to which no secret may be sent."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            parts, host = urlsplit(""), ""
        is_private = parts.scheme == "https" or ((self._insecure or is_this_machine(host)) and parts.scheme == "http")
        if not host or not is_private:
            raise ProtocolError(f"{self.issuer} wants to be asked at {url!r}, which is not https")


def _given(answer: _Answer) -> Tokens:
    if answer.error:
        raise _refused(answer)
    if not answer.id_token:
        raise Refused("unauthorized", "The provider gave no ID token; sign in again.")
    return Tokens(answer.id_token, answer.refresh_token)


def _refused(answer: _Answer) -> Refused:
    why: dict[str, Any] = {
        "access_denied": "Somebody denied the sign-in, or you may not use this server.",
        "expired_token": "Nobody signed in in time; begin again.",
        "invalid_grant": "The sign-in has run out; sign in again.",
    }
    said = f"The provider refuses: {answer.error}" + (answer.error_description and f" ({answer.error_description})")
    return Refused("unauthorized", why.get(answer.error, said))
