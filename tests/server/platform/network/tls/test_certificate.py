"""A server's certificate: what it is refused for, and how a new one takes its place."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from chatty.server.platform.network.tls.certificate import certificate_of
from chatty.server.settings import SettingError, Settings
from tests.support.certificates import Authority, Files
from tests.support.faults import eventually
from tests.support.server import Server
from tests.support.wire import Wire

AUTHORITY = Authority()
KEPT = "the certificate is still the one from before"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return AUTHORITY.issue(tmp_path)


@pytest.fixture
def server(tmp_path: Path, files: Files) -> Iterator[Server]:
    """A server of the test's own, because its certificate is changed."""
    with Server(tmp_path / "data", *files.options, "--log-format", "json", trusting=AUTHORITY.trusting) as running:
        yield running


def shown(server: Server) -> bytes:
    """The certificate that a newcomer is shown."""
    with server.dial() as sock:
        assert isinstance(sock, ssl.SSLSocket)
        return sock.getpeercert(binary_form=True) or b""


def content(files: Files) -> bytes:
    return ssl.PEM_cert_to_DER_cert(files.certificate.read_text())


def wait_until_shown(server: Server, files: Files) -> None:
    wanted = content(files)
    eventually(lambda: shown(server) == wanted, "newcomers are shown that certificate")


def logged(server: Server, event: str) -> list[dict[str, str]]:
    return [line for line in map(json.loads, server.log.splitlines()) if line["event"] == event]


def wait_until_kept(server: Server, times: int) -> None:
    eventually(lambda: len(logged(server, KEPT)) == times, "it is logged that the old certificate is kept")


def without(directory: Path) -> None:
    (directory / "server.key").unlink()


def of_another(directory: Path) -> None:
    certificate = (directory / "server.pem").read_bytes()
    AUTHORITY.issue(directory)
    (directory / "server.pem").write_bytes(certificate)


def in_another_form(directory: Path) -> None:
    (directory / "server.pem").write_bytes(content(Files(directory / "server.pem", directory / "server.key")))


def empty(directory: Path) -> None:
    (directory / "server.key").write_bytes(b"")


def directory_instead(directory: Path) -> None:
    (directory / "server.pem").unlink()
    (directory / "server.pem").mkdir()


def locked(directory: Path) -> None:
    file = directory / "server.key"
    key = load_pem_private_key(file.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    file.write_bytes(locked)


BROKEN = [
    (without, "cannot read {key} (no such file or directory)", "--tls-cert FILE --tls-key FILE"),
    (directory_instead, "cannot read {certificate} (is a directory)", "--tls-cert FILE --tls-key FILE"),
    (of_another, "the key in {key} does not belong to the certificate in {certificate}", "comes first in its file"),
    (in_another_form, "{certificate} and {key} are not a certificate and its key", "-----BEGIN CERTIFICATE-----"),
    (empty, "{certificate} and {key} are not a certificate and its key", "-----BEGIN CERTIFICATE-----"),
    (locked, "the key is protected by a password", "openssl pkey"),
]


@pytest.mark.parametrize(("damage", "text", "hint"), BROKEN)
def test_files_that_cannot_be_used_are_refused_with_what_to_do(
    tmp_path: Path, files: Files, damage: Callable[[Path], None], text: str, hint: str
) -> None:
    damage(tmp_path)
    with pytest.raises(SettingError) as refused:
        certificate_of(Settings(tls_cert=files.certificate, tls_key=files.key))
    assert str(refused.value).startswith(text.format(**files._asdict()))
    assert hint in refused.value.hint


def test_a_certificate_needs_its_key_and_a_key_its_certificate(files: Files) -> None:
    for settings in (Settings(tls_cert=files.certificate), Settings(tls_key=files.key)):
        with pytest.raises(SettingError, match=r"--tls-(cert|key) needs --tls-(key|cert), too"):
            certificate_of(settings)
    assert certificate_of(Settings()) is None


def test_a_key_may_come_through_a_pipe_which_can_be_read_once(files: Files) -> None:
    reader, writer = os.pipe()
    os.write(writer, files.key.read_bytes())
    os.close(writer)
    try:
        assert certificate_of(Settings(tls_cert=files.certificate, tls_key=Path(f"/dev/fd/{reader}")))
    finally:
        os.close(reader)


async def test_a_new_certificate_is_shown_to_newcomers_and_nobody_is_disconnected(
    server: Server, files: Files, tmp_path: Path
) -> None:
    room, before = server.make_room()["id"], shown(server)
    assert before == content(files)
    async with (
        Wire(server.url, room, name="Ada", key="a" * 32, tls=AUTHORITY.trusting) as ada,
        Wire(server.url, room, name="Bob", key="b" * 32, tls=AUTHORITY.trusting) as bob,
    ):
        for number in range(3):
            renewed = AUTHORITY.issue(tmp_path)
            await ada.say(op="send", text=f"before {number}")
            server.signal(signal.SIGHUP)
            await ada.say(op="send", text=f"after {number}")
            await asyncio.to_thread(wait_until_shown, server, renewed)
        await ada.say(op="send", text="over")
        heard: list[Any] = []
        while not heard or heard[-1]["text"] != "over":
            heard.append((await bob.until("message"))[-1])
    texts, seqs = [event["text"] for event in heard], [event["seq"] for event in heard]
    assert texts == [f"{when} {number}" for number in range(3) for when in ("before", "after")] + ["over"]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert len(logged(server, "the certificate was read again")) == 3


def test_a_new_one_that_cannot_be_used_leaves_the_old_one_with_a_warning(
    server: Server, files: Files, tmp_path: Path
) -> None:
    for number, (damage, text, hint) in enumerate(BROKEN, 1):
        before = shown(server)
        damage(tmp_path)
        server.signal(signal.SIGHUP)
        wait_until_kept(server, number)
        warning = logged(server, KEPT)[-1]
        assert warning["level"] == "warning"
        assert warning["error"].startswith(text.format(**files._asdict()))
        assert hint in warning["hint"]
        assert shown(server) == before
        if files.certificate.is_dir():
            files.certificate.rmdir()
        renewed = AUTHORITY.issue(tmp_path)
        server.signal(signal.SIGHUP)
        wait_until_shown(server, renewed)


def test_without_tls_a_hangup_ends_the_server_as_before(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        assert server.signal(signal.SIGHUP).wait() == -signal.SIGHUP
