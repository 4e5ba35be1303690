"""One aiohttp session to one server, with its failures translated into chatty's errors."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec
from aiohttp import hdrs

from chatty import protocol
from chatty.client.decoding import UNREADABLE
from chatty.client.identity import Credential, current
from chatty.client.network.address import base_url
from chatty.client.network.proxies import UnusableProxy, proxy_for
from chatty.errors import CODES, ProtocolError, Refused, Unreachable

__all__ = ["TOTAL_SECONDS", "bearer", "failures", "open_session"]

_LONGEST_WAIT: Final = 600.0
"""The longest Retry-After that is kept to, in seconds; it may be a mistake of something in between."""

TOTAL_SECONDS: Final = 30.0
"""How long a request may take."""
_TIMEOUT = aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=10)
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""OpenSSL's reasons if the peer doesn't speak TLS."""
_UNKNOWN_AUTHORITY = {18, 19, 20, 21}
"""OpenSSL's codes if this client trusts no authority that vouches for the peer. Others, such as "expired", may pass."""
_GATEWAY = {502, 503, 504}
_decode_problem = msgspec.json.Decoder(protocol.Problem).decode


def open_session(
    server: str, key: Credential | None, tls: ssl.SSLContext | None = None, *, socket: str | None = None
) -> aiohttp.ClientSession:
    """A session that raises `Refused`, `Unreachable` or `ProtocolError` for every answer of 300 and above.

    ``key`` goes along with each request. ``tls`` says whom to trust, the
    environment which proxy to ask. ``socket`` is the path of a Unix socket
    that leads to the server. Raises ValueError if ``server`` is not an
    address, Unreachable where the proxy can't be used.
    """
    address = base_url(server)
    try:
        proxy = proxy_for(address)
    except UnusableProxy as error:
        raise Unreachable(server, str(error), because="proxy", lasting=True) from None
    return aiohttp.ClientSession(
        f"{address}/",
        # Without a limit: each room's WebSocket counts as one of the connector's connections for as long as it is open.
        connector=aiohttp.UnixConnector(socket, limit=0) if socket else aiohttp.TCPConnector(ssl=tls or True, limit=0),
        proxy=proxy,
        timeout=_TIMEOUT,
        middlewares=(_identified_by(key), _stay) if key else (_stay,),
        raise_for_status=_raise_refusal,
    )


def bearer(credentials: str) -> dict[str, str]:
    """The header that carries a key or a token."""
    return {"Authorization": f"Bearer {credentials}"}


@contextmanager
def failures(server: str) -> Iterator[None]:
    """Turns aiohttp's exceptions inside into `Unreachable` or `ProtocolError`."""
    try:
        yield
    except TimeoutError as error:
        raise Unreachable(server, "timed out") from error
    except (aiohttp.ClientSSLError, ssl.SSLError) as error:
        raise _insecure(server, error) from error
    except aiohttp.ClientProxyConnectionError as error:
        raise _proxy_fails(server, f"{error.host}:{error.port}: {_reason(error)}") from error
    except aiohttp.ClientHttpProxyError as error:
        lasting = error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
        raise _proxy_fails(server, f"answered {error.status} {error.message}", lasting=lasting) from error
    except aiohttp.ClientConnectorDNSError as error:
        if error.host != urlsplit(server).hostname:
            raise _proxy_fails(server, f"{error.host}: no such host") from error
        raise Unreachable(server, "no such host") from error
    except aiohttp.ClientOSError as error:
        raise Unreachable(server, _reason(error)) from error
    except aiohttp.ServerDisconnectedError as error:
        raise Unreachable(server, "it hung up") from error
    except aiohttp.WSServerHandshakeError as error:
        raise ProtocolError(f"{server} does not speak chatty's WebSocket ({error.status}: {error.message})") from error
    except aiohttp.ClientPayloadError as error:
        raise Unreachable(server, "its answer broke off") from error
    except aiohttp.ClientError as error:
        raise ProtocolError(f"{server} did not answer as a chatty server does ({error})") from error


def _insecure(server: str, error: Exception) -> Unreachable:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        unknown = cause.verify_code in _UNKNOWN_AUTHORITY
        return Unreachable(server, f"its certificate: {cause.verify_message}", because="certificate", lasting=unknown)
    if getattr(cause, "reason", None) in _NO_TLS:
        return Unreachable(server, "it does not speak TLS", because="plain", lasting=True)
    return Unreachable(server, f"no secure connection: {cause}")


def _proxy_fails(server: str, what: str, *, lasting: bool = False) -> Unreachable:
    return Unreachable(server, f"the proxy {what}", because="proxy", lasting=lasting)


def _reason(error: aiohttp.ClientOSError) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    return (cause.strerror or str(cause) or type(cause).__name__).lower()


async def _shown(credential: Credential, refused: str = "") -> str:
    """What to show to the server, or in the place of what it has ``refused``: the same if there is nothing else."""
    fresh = getattr(credential, "fresh", None)
    return current(credential) if fresh is None else await asyncio.to_thread(fresh, refused)


def _identified_by(credential: Credential) -> aiohttp.ClientMiddlewareType:
    """Shows the credential with each request. One that was replaced on the way is shown once more."""

    async def identify(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if hdrs.AUTHORIZATION in request.headers:
            return await ask(request)
        first = await _shown(credential)
        request.headers.update(bearer(first))
        response = await ask(request)
        if response.status == HTTPStatus.UNAUTHORIZED and (fresh := await _shown(credential, first)) != first:
            response.release()
            request.headers.update(bearer(fresh))
            response = await ask(request)
        return response

    return identify


async def _stay(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Follows no redirect: the key would not go along to another origin, so one would be somebody else there."""
    response = await ask(request)
    if 300 <= response.status < 400:
        response.close()
        raise _moved(str(request.url), response.headers.get("Location", ""))
    return response


def _moved(asked: str, location: str) -> ProtocolError:
    here, version, path = asked.partition("?")[0].rpartition("/v1/")
    try:
        there = urljoin(asked, location).partition("?")[0]
        if there.endswith(version + path):  # not so a page to log in
            elsewhere = base_url(there.removesuffix(version + path))
            return ProtocolError(f"{here} redirects to {elsewhere}", elsewhere=elsewhere)
    except ValueError:
        there = repr(location)
    return ProtocolError(f"{here} redirects to {there}")


async def _raise_refusal(response: aiohttp.ClientResponse) -> None:
    if response.status < 400:
        return
    server = str(response.url.origin())
    with failures(server):
        body = await response.read()
    retry_after = _seconds(response.headers.get("Retry-After"))
    try:
        problem = _decode_problem(body)
    except UNREADABLE:
        said = f"{response.status} {response.reason}"
        if response.status in _GATEWAY:
            raise Unreachable(server, said) from None
        if response.status == CODES["rate_limited"].status:
            raise Refused("rate_limited", status=response.status, retry_after=retry_after) from None
        raise ProtocolError(f"{server} answered {said}, but not as a chatty server does") from None
    if problem.code == "address_not_found":
        raise _elsewhere(str(response.url))
    request_id = problem.request_id or ""
    raise Refused(problem.code, problem.detail, status=response.status, retry_after=retry_after, request_id=request_id)


def _elsewhere(asked: str) -> ProtocolError:
    """A chatty server answered that it knows no such path: probably the server's address has one that it shouldn't."""
    here = asked.partition("?")[0].rpartition("/v1/")[0]
    parts = urlsplit(here)
    server = base_url(f"{parts.scheme}://{parts.netloc}")
    if here != server:
        return ProtocolError(f"no chatty server at {here}, but one at {server}", elsewhere=server)
    return ProtocolError(f"the server at {here} does not know the request; it may be older than this client")


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is ignored."""
    try:
        seconds = float(retry_after or "nan")
    except ValueError:
        return None
    return min(max(0.0, seconds), _LONGEST_WAIT) if math.isfinite(seconds) else None
