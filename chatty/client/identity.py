"""A client's identity: secrets, the keys derived from them, tokens in files, and producers.

An identity is what stays the same when a connection does not: with the same
key a client that comes back is the same participant. Nothing here is stored;
who keeps a secret, and where, is the program's business.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from chatty import ksuid
from chatty.client.network.address import origin
from chatty.credentials import is_token

__all__ = [
    "Credential",
    "Renewable",
    "TokenFile",
    "current",
    "derive_key",
    "fingerprint",
    "new_producer",
    "new_secret",
    "producer_from_key",
]

Credential = str | Callable[[], str]
"""A key or a token; or a source that is asked for it with each request, so that it can be replaced meanwhile."""


class TokenFile:
    """A token in a file, to be given as a ``key``. The file may be replaced while a program runs.

    Where the file is missing for a moment, or half written, the token that it
    had before counts. Calling it raises OSError, or ValueError for a file
    without a token, if it never had one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._last = ""

    def __call__(self) -> str:
        """The token that the file has, or had last."""
        try:
            token = self.path.read_bytes().strip().decode("ascii", "replace")
            if not is_token(token):
                raise ValueError(f"there is no token in {self.path}")
            self._last = token
        except (OSError, ValueError):
            if not self._last:
                raise
        return self._last


def current(credential: Credential) -> str:
    """The key or the token, as it is now."""
    return credential if isinstance(credential, str) else credential()


class Renewable(Protocol):
    """A source that can get another token before the present one ends, or when it is refused."""

    def __call__(self) -> str:
        """The token, as it is now."""

    def fresh(self, refused: str) -> str:
        """A token that counts, as far as that can be told, and another one than ``refused`` if there is one.

        It may ask somebody over the network, so it is called in a thread of its own.
        """


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


def fingerprint(credential: Credential) -> str:
    """Tells one key from another without showing it. Tokens have none: another one may be for the same identity."""
    if callable(credential) or is_token(credential):
        return ""
    return hashlib.sha256(credential.encode()).hexdigest()[:32]


def new_producer() -> str:
    """A new producer's id: a KSUID, 27 characters."""
    return ksuid.new_ksuid(time.time_ns() / 1e9)


def producer_from_key(key: str) -> str:
    """The producer's id for a key of the user's own: the same key gives the same KSUID, everywhere.

    A script that runs again with the same key continues its earlier run's
    numbering, so that only missing messages are sent.
    """
    return ksuid.as_text(hashlib.sha256(key.encode()).digest()[: ksuid.SIZE])
