"""A server with a certificate of one's own authority, perhaps behind a proxy, is reached as any other."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

import chatty
from chatty.client.http import Http
from chatty.client.network.tls import trusting
from chatty.errors import Unreachable
from tests.support.gates import HttpProxy, TlsGate
from tests.support.server import Server, free_port

HOST = "chat.example"
AUTHORITY = trustme.CA()
OTHER = trustme.CA()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("tls") / "data", "--allowed-host", HOST) as running:
        yield running


@pytest.fixture(scope="module")
def cacert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def gate(server: Server) -> Iterator[TlsGate]:
    with TlsGate(server.port, AUTHORITY, HOST) as gate:
        yield gate


@pytest.fixture
def local_gate(server: Server) -> Iterator[str]:
    """The URL of an end of TLS on this machine."""
    with TlsGate(server.port, AUTHORITY, "localhost") as gate:
        yield f"https://localhost:{gate.port}"


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


async def converse(address: str, cacert: Path | ssl.SSLContext | None) -> None:
    """Create a room, talk in it, look back, close it: every way to a server."""
    created = await chatty.create_room(address, "general", cacert=cacert)
    async with chatty.join(address, created.id, name="Ada", cacert=cacert) as room:
        await room.send("hello")
        async for event in room:
            if isinstance(event, chatty.Message):
                break
        assert [message.text async for message in room.history()] == ["hello"]
        async with room.reader(since=0) as events:
            assert isinstance(await anext(aiter(events)), chatty.ParticipantJoined)
    async with Http(address, cacert=cacert) as http:
        assert (await http.events(created.id)).events
        await http.close_room(created.id, created.owner_token)


async def test_a_certificate_of_ones_own_authority_is_trusted_where_it_is_named(local_gate: str, cacert: Path) -> None:
    await converse(local_gate, cacert)
    await converse(local_gate, ssl.create_default_context(cafile=cacert))


async def test_without_it_or_with_another_one_nothing_is_said_to_the_server(local_gate: str, tmp_path: Path) -> None:
    OTHER.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    for cacert in (None, tmp_path / "other.pem"):
        with pytest.raises(Unreachable, match="its certificate: unable to get local issuer certificate") as failed:
            await converse(local_gate, cacert)
        assert (failed.value.because, failed.value.lasting) == ("certificate", True)


async def test_a_certificate_of_another_name_is_refused(gate: TlsGate, cacert: Path) -> None:
    with pytest.raises(Unreachable, match="certificate is not valid for 'localhost'") as failed:
        await converse(f"https://localhost:{gate.port}", cacert)
    assert (failed.value.because, failed.value.lasting) == ("certificate", False), "the server may get another one"


async def test_a_server_that_speaks_no_tls_is_told_apart(server: Server) -> None:
    with pytest.raises(Unreachable, match="it does not speak TLS") as failed:
        await converse(f"https://localhost:{server.port}", None)
    assert (failed.value.because, failed.value.lasting) == ("plain", True)


def test_what_is_no_certificate_is_missed_at_once(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("my notes")
    with pytest.raises(FileNotFoundError) as missing:
        Http("https://localhost", cacert=tmp_path / "nowhere.pem")
    assert missing.value.filename == str(tmp_path / "nowhere.pem")
    with pytest.raises(ValueError, match="notes holds no certificate in PEM"):
        chatty.join("https://localhost", "room", cacert=tmp_path / "notes")
    assert trusting(None) is None


# --- proxies ------------------------------------------------------------------------------------------------


async def test_a_proxy_leads_to_a_server_with_tls_and_sees_only_its_name(
    gate: TlsGate, cacert: Path, variables: pytest.MonkeyPatch
) -> None:
    with HttpProxy({HOST: gate.port}) as proxy:
        variables.setenv("HTTPS_PROXY", proxy.url)
        await converse(f"https://{HOST}", cacert)
    assert set(proxy.asked) == {f"CONNECT {HOST}:443 HTTP/1.1"}


async def test_a_proxy_leads_to_a_server_without_tls(server: Server, variables: pytest.MonkeyPatch) -> None:
    with HttpProxy({HOST: server.port}) as proxy:
        variables.setenv("http_proxy", proxy.url)
        await converse(f"http://{HOST}", None)
    assert proxy.asked[0] == f"POST http://{HOST}/v1/rooms HTTP/1.1"
    assert any("/ws" in line for line in proxy.asked)


async def test_a_proxy_gets_the_credentials_that_its_url_holds(
    gate: TlsGate, cacert: Path, variables: pytest.MonkeyPatch
) -> None:
    with HttpProxy({HOST: gate.port}, credentials="ada:se@cret") as proxy:
        variables.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://ada:se%40cret@"))
        await converse(f"https://{HOST}", cacert)
        variables.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(Unreachable, match="the proxy answered 407 Proxy Authentication Required") as failed:
            await converse(f"https://{HOST}", cacert)
    assert (failed.value.because, failed.value.lasting) == ("proxy", True)


async def test_this_machine_is_asked_directly(server: Server, variables: pytest.MonkeyPatch) -> None:
    with HttpProxy({}) as proxy:
        variables.setenv("HTTP_PROXY", proxy.url)
        await converse(server.url, None)
    assert proxy.asked == []


async def test_a_proxy_that_is_not_there_is_what_is_not_reached(variables: pytest.MonkeyPatch) -> None:
    port = free_port()
    variables.setenv("HTTPS_PROXY", f"http://ada:secret@127.0.0.1:{port}")
    with pytest.raises(Unreachable) as failed:
        await converse(f"https://{HOST}", None)
    assert str(failed.value) == f"cannot reach https://{HOST} (the proxy 127.0.0.1:{port}: connection refused)"
    assert not failed.value.lasting
    variables.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(Unreachable, match=r"HTTPS_PROXY is socks5://127\.0\.0\.1:1080"):
        await converse(f"https://{HOST}", None)
