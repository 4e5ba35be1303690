"""Whom a client believes that a server is the one that was meant."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

__all__ = ["CaCert", "also_trusting", "trusting"]

CaCert = str | os.PathLike[str] | ssl.SSLContext | None
"""A file of certificates in PEM, or a context of the program's own; None: the authorities that the system trusts."""


def trusting(cacert: CaCert) -> ssl.SSLContext | None:
    """A context that trusts the authorities in the file ``cacert``, and no others.

    Raises OSError for a file that can't be read, ValueError for one without a
    certificate.
    """
    if cacert is None or isinstance(cacert, ssl.SSLContext):
        return cacert
    with Path(cacert).open("rb"):  # an error of this names the file, OpenSSL's doesn't
        pass
    try:
        return ssl.create_default_context(cafile=cacert)
    except ssl.SSLError:
        raise ValueError(f"{os.fspath(cacert)} holds no certificate in PEM") from None


def also_trusting(cacert: CaCert) -> ssl.SSLContext:
    """A context that trusts the authorities in the file ``cacert``, and those that the system trusts. Raises the same.

    It is for somebody else's server than the one that ``cacert`` is about.
    """
    context = ssl.create_default_context()
    if trusting(cacert) is not None and not isinstance(cacert, ssl.SSLContext):
        context.load_verify_locations(cafile=cacert)
    return context
