"""The server's certificate and its key, which can be read again while the server runs."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import NoReturn

import structlog

from chatty.server.settings import SettingError, Settings

_LOG = structlog.get_logger("chatty")


class Certificate:
    """A certificate that can be replaced. A connection keeps the one that it began with."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Both are files in PEM. Raises SettingError if they can't be used."""
        self._certificate, self._key = certificate, key
        self.context = _context(certificate, key)
        """The context for new connections."""
        self.renewed = asyncio.Event()
        """To be set when the files have changed."""

    async def follow_files(self) -> None:
        """Use what the files contain, whenever they are `renewed`. If that can't be used, the log says why."""
        while True:
            await self.renewed.wait()
            self.renewed.clear()
            try:
                self.context = await asyncio.to_thread(_context, self._certificate, self._key)
            except SettingError as error:
                _LOG.warning("the certificate is still the one from before", error=str(error), hint=error.hint)
            else:
                _LOG.info("the certificate was read again", file=str(self._certificate))


def certificate_of(settings: Settings) -> Certificate | None:
    """The certificate that the settings name; None if they name none. Raises SettingError if it can't be used."""
    certificate, key = settings.tls_cert, settings.tls_key
    if certificate and key:
        return Certificate(certificate, key)
    if certificate or key:
        given, missing = ("--tls-cert", "--tls-key") if certificate else ("--tls-key", "--tls-cert")
        raise SettingError(f"{given} needs {missing}, too", "name the certificate's file and its key's, or neither")
    return None


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    for file in (certificate, key):
        try:
            with file.open("rb"):  # an error of this names the file, OpenSSL's doesn't
                pass
        except OSError as error:
            raise SettingError(
                f"cannot read {file} ({(error.strerror or str(error)).lower()})",
                "name files that the server's user can read: --tls-cert FILE --tls-key FILE",
            ) from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # OpenSSL 3's default; it costs a server more than a client
    try:
        context.load_cert_chain(certificate, key, _refuse_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingError(
                f"the key in {key} does not belong to the certificate in {certificate}",
                "the server's own certificate comes first in its file, and those that vouch for it follow",
            ) from None
        reason = (error.reason or "unknown format").replace("_", " ").lower()
        raise SettingError(
            f"{certificate} and {key} are not a certificate and its key ({reason})",
            "name files in PEM, as -----BEGIN CERTIFICATE----- begins one",
        ) from None
    return context


def _refuse_password() -> NoReturn:
    """Instead of OpenSSL, which would ask for a password at the terminal, or wait for it forever."""
    raise SettingError("the key is protected by a password", "store it without: openssl pkey -in KEY -out NEW")
