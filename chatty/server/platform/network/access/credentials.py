"""From a request's credential to the principal that it shows. Only hashes of credentials are stored or compared."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Hashable
from typing import Final
from urllib.parse import unquote

from aiohttp import web
from msgspec.structs import replace

from chatty import credentials
from chatty.errors import Refused
from chatty.protocol import KEY_SUBPROTOCOL
from chatty.server.business.rights import Principal, Token, Trust
from chatty.server.platform.network.addresses import address_of
from chatty.server.platform.network.connections import connection_of
from chatty.server.platform.pipeline.node import Node

IDENTITY_BYTES: Final = 16
_PRINCIPAL: Final = web.RequestKey("principal", Principal)

ANONYMOUS: Final = Principal(bytes(IDENTITY_BYTES))
"""Everybody who posts over HTTP without a key. It is one identity, so that an Idempotency-Key works for plain curl."""

_IN_QUERY: Final = frozenset(
    {"token", "access_token", "id_token", "refresh_token", "auth", "key", "password", "invitation"}
)
"""Names in a query that show that somebody puts a credential where servers and proxies log it."""


def check_credentials(request: web.BaseRequest) -> None:
    """Raises Refused for credentials in the address, whether they are valid or not, and for several of them."""
    shown = credentials.is_shown_in(unquote(request.raw_path))
    if shown or not _IN_QUERY.isdisjoint(map(str.lower, request.query)):
        raise Refused("bad_request", "A credential in an address gets logged; send it as Authorization: Bearer.")
    offered(request)


def bearer(request: web.BaseRequest) -> str:
    """The credential of the ``Authorization: Bearer`` header, or an empty string. Raises Refused if there are two."""
    given = request.headers.getall("Authorization", [])
    if len(given) > 1:
        raise Refused("bad_request", "Send one Authorization header.")
    scheme, _, credential = (given[0] if given else "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""


def offered(request: web.BaseRequest) -> str:
    """The credential, from the header, or from an offered subprotocol for clients that can't set headers.

    Raises Refused if there are several.
    """
    found = {
        protocol.strip().removeprefix(KEY_SUBPROTOCOL)
        for protocol in ",".join(request.headers.getall("Sec-WebSocket-Protocol", ())).split(",")
        if protocol.strip().startswith(KEY_SUBPROTOCOL)
    }
    if header := bearer(request):
        found.add(header)
    if len(found) > 1:
        raise Refused("bad_request", "The credentials in this request differ; send one.")
    return found.pop() if found else ""


async def principal_of(node: Node, request: web.Request) -> Principal:
    """The principal that the request's credential shows; `ANONYMOUS` without one. It has no name but a reserved one.

    Raises Refused for a token that is not valid.
    """
    who = request[_PRINCIPAL] = await _principal_of(node, request)
    return who


def sources_of(request: web.Request) -> list[Hashable]:
    """Whom limits count the request for: its address, and its identity if it has shown one by now. Nobody on loopback.

    Limits by identity hold for somebody who has many addresses, and those by address for one who has many identities.
    """
    address, who = address_of(request), request.get(_PRINCIPAL, ANONYMOUS)
    if not address:
        return []
    return [address, who.identity] if who.trust >= Trust.KEY else [address]


async def _principal_of(node: Node, request: web.Request) -> Principal:
    connection = connection_of(request)
    if connection.is_operator:
        return Principal(b"", Trust.OPERATOR)
    credential, address = offered(request), address_of(request)
    if not credential:
        return replace(ANONYMOUS, address=address) if address else ANONYMOUS
    if not credentials.resembles_token(credential):
        return replace(_of_key(credential), address=address)
    # A wrong checksum is a typing error, which is seen without a look at the store.
    found = await _bearer(node, token_hash(credential)) if credentials.is_token(credential) else None
    if found is None or not found[0].is_valid(node.now()):
        node.metrics.deny_token()
        raise Refused("unauthorized", "This token is not valid, or no longer; `chatty login` takes a new one.")
    token, holder = found
    return replace(holder, token=token.id, address=address)


async def _bearer(node: Node, hashed: bytes) -> tuple[Token, Principal] | None:
    return await node.fresh(lambda: node.reads.bearer(hashed), lambda found: found is not None)


def _of_key(key: str) -> Principal:
    trust = Trust.KEY if len(key) >= credentials.STRONG_KEY else Trust.WEAK
    if key.startswith(credentials.OWNER):
        return Principal(owner_hash(key)[:IDENTITY_BYTES], trust)
    return Principal(hashlib.sha256(b"chatty client key\0" + key.encode()).digest()[:IDENTITY_BYTES], trust)


def nobody() -> bytes:
    """A new identity, for one connection."""
    return secrets.token_bytes(IDENTITY_BYTES)


def owner_hash(token: str) -> bytes:
    """The hash that is stored for a room's owner token."""
    return hashlib.sha256(b"chatty owner token\0" + token.encode()).digest()


def token_hash(token: str) -> bytes:
    """The hash that is stored for a token that the server issued. It is random, so it needs no slow hash."""
    return hashlib.sha256(b"chatty token\0" + token.encode()).digest()


def invitation_hash(secret: str) -> bytes:
    """The hash that is stored for an invitation, as for a token."""
    return hashlib.sha256(b"chatty invitation\0" + secret.encode()).digest()
