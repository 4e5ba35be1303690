"""Identities: the hash of a client key, or a random one for a connection without a key."""

from __future__ import annotations

import hashlib
import secrets

from aiohttp import web
from msgspec import Struct

from chatty.protocol import KEY_SUBPROTOCOL

IDENTITY_BYTES = 16


class Identity(Struct, frozen=True):
    """``resumable``: its owner can prove it again, so its participant may go away and come back."""

    hash: bytes
    resumable: bool


ANONYMOUS = Identity(bytes(IDENTITY_BYTES), False)
"""Everybody who posts over HTTP without a key. It is one identity, so that an Idempotency-Key works for plain curl."""


def bearer(request: web.BaseRequest) -> str:
    """The token or key of an ``Authorization: Bearer`` header, or an empty string."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def offered_key(request: web.BaseRequest) -> str:
    """The client key, from the header, or from an offered subprotocol for clients that can't set headers."""
    if key := bearer(request):
        return key
    for offered in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
        if offered.strip().startswith(KEY_SUBPROTOCOL):
            return offered.strip().removeprefix(KEY_SUBPROTOCOL)
    return ""


def identity_of(key: str) -> Identity:
    """The identity of a client key. Only this hash is ever stored."""
    return Identity(hashlib.sha256(b"chatty client key\0" + key.encode()).digest()[:IDENTITY_BYTES], True)


def nobody() -> Identity:
    """A new identity, for one connection."""
    return Identity(secrets.token_bytes(IDENTITY_BYTES), False)


def token_hash(token: str) -> bytes:
    """The hash that is stored for an owner token."""
    return hashlib.sha256(b"chatty owner token\0" + token.encode()).digest()
