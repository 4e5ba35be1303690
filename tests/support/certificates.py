"""Certificates of an authority of the tests' own, in files."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

import trustme


class Files(NamedTuple):
    """A certificate and its key."""

    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        """Those of ``chatty serve``."""
        return ("--tls-cert", str(self.certificate), "--tls-key", str(self.key))


class Authority:
    """Vouches for servers. ``trusting`` is the context of a client that trusts it."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self.trusting = ssl.create_default_context()
        self._authority.configure_trust(self.trusting)

    def write(self, path: Path) -> Path:
        """Write the authority's own certificate, for ``--cacert``."""
        self._authority.cert_pem.write_to_path(str(path))
        return path

    def issue(self, directory: Path, *names: str) -> Files:
        """Write a new certificate for ``names``, in the place of an earlier one. Without any: for this machine."""
        issued = self._authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
        files = Files(directory / "server.pem", directory / "server.key")
        files.certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        files.key.write_bytes(issued.private_key_pem.bytes())
        return files
