"""Whom a client believes that a server is the one that was meant."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

__all__ = ["CaCert", "trusting"]

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
