"""A client's identity: secrets, the keys derived from them, and producers.

An identity is what stays the same when a connection does not: with the same
key a client that comes back is the same participant. Nothing here is stored;
who keeps a secret, and where, is the program's business.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode

from chatty import ksuid
from chatty.client.address import origin

__all__ = ["derive_key", "new_producer", "new_secret", "producer_from_key"]


def new_secret() -> str:
    """A new secret of 256 random bits, as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def derive_key(secret: str, server: str) -> str:
    """The key by which a server recognizes this client: HMAC-SHA256 of the server's origin, as 43 URL-safe characters.

    Each server gets a key of its own, so none can pass for its guest at
    another. The text fits a Bearer header and a WebSocket subprotocol's name.
    Raises ValueError if ``server`` is not an address.
    """
    digest = hmac.digest(secret.encode(), origin(server).encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_producer() -> str:
    """A new producer's id: a KSUID, 27 characters."""
    return ksuid.new_ksuid(time.time_ns() / 1e9)


def producer_from_key(key: str) -> str:
    """The producer's id for a key of the user's own: the same key gives the same KSUID, everywhere.

    A script that runs again with the same key continues its earlier run's
    numbering, so that only missing messages are sent.
    """
    return ksuid.as_text(hashlib.sha256(key.encode()).digest()[: ksuid.SIZE])
