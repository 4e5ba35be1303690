"""``chatty healthcheck``: checks the server on this machine, for a container's health check."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure
from chatty.cli.options import DataOption, environment
from chatty.server.settings import Settings

EXAMPLES: Final = ("chatty healthcheck", "chatty healthcheck --data /var/lib/chatty")

_USUAL: Final = Settings()
_SECONDS: Final = 4.0
"""How long a server that is well may take to answer."""


def command(
    ctx: typer.Context,
    data: DataOption = _USUAL.data,
    host: Annotated[
        str,
        typer.Option("--host", envvar="CHATTY_HOST", metavar="TEXT", help="Its address, if DIRECTORY has no note."),
    ] = _USUAL.host,
    port: Annotated[
        int,
        typer.Option("--port", envvar="CHATTY_PORT", metavar="N", help="Its port, if DIRECTORY has no note."),
    ] = _USUAL.port,
) -> int:
    """Check whether the server on this machine is healthy.

    The status is 1 if it isn't. A running server notes in its data directory where it listens;
    without that note, the settings say where. No proxy is used.
    """
    from chatty.server.origins import from_here
    from chatty.server.platform.store.data_directory import noted_address

    origin = noted_address(data) or from_here(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    problem = _problem(origin)
    if problem:
        raise Failure(
            ExitStatus.FAILED, "unreachable", f"the server at {origin} is not healthy ({problem})", "see its log"
        )
    environment(ctx).out(f"the server at {origin} is healthy")
    return ExitStatus.DONE


def _problem(origin: str) -> str:
    """What is wrong with the server; "" if nothing is."""
    import ssl
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        # The certificate is for the names by which others know the server, and nothing secret is said here.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(host, port, timeout=_SECONDS, context=tls)
    else:
        connection = HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
    finally:
        connection.close()
    return "" if status == 200 else f"it answers {status}"
