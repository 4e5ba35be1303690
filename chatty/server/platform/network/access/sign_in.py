"""``POST /v1/login``: what somebody else vouches for is exchanged for a token, once. No other route looks at it.

Two can vouch: an OpenID provider, by an ID token, and a proxy that asks people
who they are and tells it in a header.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiohttp import web

from chatty.access import IssuedToken, OidcClient, SignInProof
from chatty.credentials import new_public_id, new_token
from chatty.durations import parse_duration
from chatty.errors import Refused
from chatty.events import rfc3339
from chatty.server.business.entries import SignIn
from chatty.server.business.facts import Audited, Issued
from chatty.server.business.rights import SERVER, Principal, Trust, rights_named
from chatty.server.platform.network.access.credentials import IDENTITY_BYTES, token_hash
from chatty.server.platform.network.access.routes import OPEN, Route, committed, json_of, participant_name
from chatty.server.platform.network.addresses import TRUSTED_PROXIES, address_of
from chatty.server.platform.network.responses import answer
from chatty.server.platform.pipeline.node import Node
from chatty.server.settings import SettingError, Settings

if TYPE_CHECKING:
    from chatty.server.platform.network.access.oidc import Issuer

PROXY_SECRET: Final = "X-Chatty-Proxy-Secret"
"""The header in which the proxy shows its secret: every program of its machine has its address."""
SHORTEST_SECRET: Final = 32
GROUPS: Final = "groups"
"""The claim that has somebody's groups."""
_SECRET: Final = re.compile(rf"[!-~]{{{SHORTEST_SECRET},}}")
_HEADER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


class Person(NamedTuple):
    """Somebody for whom an issuer vouches: ``subject`` is theirs for good, and ``name`` what they are called there."""

    kind: str
    issuer: str
    subject: str
    name: str
    is_admin: bool = False

    @property
    def identity(self) -> bytes:
        """It is the same at each sign-in, and of nobody else; no client can make a key with it."""
        said = "\0".join((self.kind, self.issuer, self.subject))
        return hashlib.sha256(b"chatty sign-in\0" + said.encode()).digest()[:IDENTITY_BYTES]


class SignInHandlers:
    """The handler. ``may_post`` raises Refused where too much comes from an address."""

    def __init__(self, node: Node, may_post: Callable[[web.Request], None]) -> None:
        """Raises SettingError."""
        self.node = node
        self._may_post = may_post
        settings = node.settings
        self._issuer = issuer_of(settings, node.now, node.loop.time)
        self._header = settings.identity_header
        self._secret = proxy_secret(settings) if self._header else b""
        self._age = login_ms(settings)

    def routes(self) -> list[Route]:
        """The address at which one signs in, without being anybody yet."""
        return [Route("POST", "/v1/login", OPEN, self.sign_in)]

    async def begin(self, app: web.Application) -> AsyncIterator[None]:
        """Fetch the provider's keys. The server starts without them: the provider may be down, or start later."""
        fetching = asyncio.create_task(self._issuer.fetch()) if self._issuer is not None else None
        yield
        if fetching is not None:
            fetching.cancel()

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        self._may_post(request)
        proof = await json_of(request, SignInProof) if request.body_exists else SignInProof()
        way = self._way(proof)
        with self.node.metrics.signing_in(way):
            return answer(await self._issued(request, await self._person(request, proof, way)), 201)

    def _way(self, proof: SignInProof) -> str:
        """The way in which somebody signs in. Raises Refused if there is none."""
        if self._issuer is not None and (proof.id_token or not self._header):
            return "oidc"
        if self._header and not proof.id_token:
            return "proxy"
        raise Refused(
            "not_allowed", "Nobody signs in here this way; GET /v1 says how, and `chatty login` takes a token."
        )

    async def _person(self, request: web.Request, proof: SignInProof, way: str) -> Person:
        if way == "proxy":
            return Person("header", "", subject := self._named_by_proxy(request), subject)
        assert self._issuer is not None
        return self._by_claims(await self._issuer.claims(proof.id_token))

    async def _issued(self, request: web.Request, person: Person) -> IssuedToken:
        name, name_key, skeleton = participant_name(person.name)
        node, secret = self.node, new_token()
        who = Principal(person.identity, Trust.VERIFIED, name, name_key, "", address_of(request), skeleton)
        at = node.now()
        entry = SignIn(SERVER, at, who, new_public_id(), token_hash(secret), person.is_admin, at + self._age)
        outcome = await committed(node, entry)
        assert isinstance(outcome, tuple)
        made = next(fact for fact in outcome if isinstance(fact, Issued))
        called = next(fact.whom for fact in outcome if isinstance(fact, Audited))
        return IssuedToken(
            id=entry.id, can=rights_named(made.token.cap), by=made.by, at=rfc3339(at), name=called,
            expires_at=rfc3339(entry.expires_at), token=secret,
        )  # fmt: skip

    def _by_claims(self, claims: dict[str, Any]) -> Person:
        settings = self.node.settings
        name, groups = claims.get(settings.oidc_name), claims.get(GROUPS)
        if not isinstance(name, str):
            raise Refused("name_invalid", f"The ID token has no name for you in its claim {settings.oidc_name!r}.")
        is_admin = settings.oidc_admin != "" and isinstance(groups, list) and settings.oidc_admin in groups
        return Person("oidc", claims["iss"], claims["sub"], name, is_admin)

    def _named_by_proxy(self, request: web.Request) -> str:
        """Whom the proxy says that it asked. Raises Refused for a header that may be from somebody else."""
        read = {self._header.lower(), PROXY_SECRET.lower()}
        for name in request.headers:
            # A program behind the proxy may take X_Y for X-Y, and the proxy removes only one of them (CVE-2025-64484).
            if "_" in name and name.lower().replace("_", "-") in read:
                raise Refused("bad_request", "A header here may be mistaken for another one; send it with hyphens.")
        secrets = request.headers.getall(PROXY_SECRET, [])
        shown = secrets[0].encode("utf-8", "surrogateescape") if len(secrets) == 1 else b""
        is_trusted = (request.remote or "") in request.app[TRUSTED_PROXIES]
        if not hmac.compare_digest(shown, self._secret) or not is_trusted:
            raise Refused("unauthorized", "Only this server's proxy says who signs in; come by way of that.")
        names = request.headers.getall(self._header, [])
        if len(names) > 1 or "," in "".join(names):  # some proxies append theirs to the one that a client sent
            raise Refused("bad_request", f"There are several values of {self._header!r}; the proxy has to send one.")
        if not names or not names[0].strip():
            raise Refused("unauthorized", f"The proxy did not say who you are in {self._header!r}.")
        try:
            names[0].encode()
        except UnicodeEncodeError:
            raise Refused("bad_request", f"The header {self._header!r} has to be UTF-8.") from None
        return names[0].strip()


def ways(settings: Settings) -> tuple[list[str], OidcClient | None]:
    """The ways to get a token, as a server with these settings tells them."""
    client = OidcClient(settings.oidc_issuer, settings.oidc_client_id) if settings.oidc_issuer else None
    found = ["token", *(["oidc"] if client else []), *(["proxy"] if settings.identity_header else [])]
    return found, client


# --- settings -----------------------------------------------------------------------------------------------


def check_sign_in(settings: Settings) -> None:
    """Raise SettingError for settings by which nobody could sign in, or somebody else could."""
    login_ms(settings)
    issuer_of(settings, lambda: 0, lambda: 0.0)
    proxy_secret(settings)


def issuer_of(settings: Settings, now: Callable[[], int], clock: Callable[[], float]) -> Issuer | None:
    """The provider of the settings, or None if there is none. Raises SettingError."""
    url, client_id = settings.oidc_issuer, settings.oidc_client_id
    if not url:
        if client_id or settings.oidc_admin:
            raise SettingError("--oidc-client-id and --oidc-admin need --oidc-issuer", "say which provider they are of")
        return None
    if not client_id:
        raise SettingError("--oidc-issuer needs --oidc-client-id", "make a public client for this server there")
    if not settings.oidc_name:
        raise SettingError("--oidc-name is empty", "name the claim that has people's names")
    try:
        from chatty.server.platform.network.access import oidc
    except ImportError:
        raise SettingError("--oidc-issuer needs PyJWT and cryptography", "pip install 'chatty-rooms[oidc]'") from None
    if not oidc.is_safe(url) or any(sign in url for sign in "?#@"):
        raise SettingError(
            f"--oidc-issuer cannot be {url!r}", "write it as the provider does: https://id.example.org/realms/staff"
        )
    return oidc.Issuer(url, client_id, now=now, clock=clock)


def proxy_secret(settings: Settings) -> bytes:
    """The secret by which the proxy is known; empty if there is none. Raises SettingError."""
    header, path = settings.identity_header, settings.proxy_secret_file
    if not header:
        if path:
            raise SettingError(
                "--proxy-secret-file needs --identity-header", "say in which header the proxy names people"
            )
        return b""
    if not _HEADER.fullmatch(header) or header.lower() in _OTHERS or header.lower().startswith("x-forwarded-for"):
        raise SettingError(f"--identity-header cannot be {header!r}", "name a header of its own, such as Remote-User")
    if not settings.trusted_proxy or not path:
        raise SettingError(
            "--identity-header needs --trusted-proxy and --proxy-secret-file",
            "without them, everybody who reaches this server could say that they are somebody else",
        )
    try:
        secret = Path(path).read_text("ascii").strip()
    except (OSError, UnicodeError) as error:
        raise SettingError(f"--proxy-secret-file can't be read: {error}", "see its path and permissions") from error
    if not _SECRET.fullmatch(secret):
        raise SettingError(
            f"there is no secret in {path}",
            f"it has at least {SHORTEST_SECRET} visible characters of ASCII: openssl rand -hex 32 > FILE",
        )
    return secret.encode()


_OTHERS: Final = frozenset({
    "authorization", "connection", "content-length", "content-type", "cookie", "host", "origin", "transfer-encoding",
    "upgrade", PROXY_SECRET.lower(),
})  # fmt: skip
"""Headers that mean something else."""


def login_ms(settings: Settings) -> int:
    """How long a sign-in lasts, in milliseconds. Raises SettingError."""
    try:
        seconds = parse_duration(settings.login_age, unit_needed=True)
    except ValueError:
        seconds = 0.0
    if not 60 <= seconds <= _LONGEST_LOGIN:
        raise SettingError(f"--login-age cannot be {settings.login_age!r}", "write 8h, 1d …; from 1m to 90d")
    return round(seconds * 1000)


_LONGEST_LOGIN: Final = 90 * 86_400.0
