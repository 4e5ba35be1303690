"""Every setting of the server, once: its name, type, default and help. Options and variables come from here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import fields
from platformdirs import user_data_path

from chatty.protocol import PORT
from chatty.server.errors import Fault


class SettingError(Fault):
    """A setting has a value that the server cannot use."""


def _help(text: str) -> Any:
    return Meta(description=text)


class Range(NamedTuple):
    """The numbers that a setting may have, besides 0, whose meaning differs from setting to setting."""

    least: float
    most: float


def _home() -> Path:
    try:
        return user_data_path("chatty")
    except RuntimeError:  # the user has no home directory, but help can still show where it would be
        return Path("~/.local/share/chatty")


_RATE: Final = Range(0.0001, 1_000_000)
_PACE: Final = Range(0.2, 1_000_000)
"""At a lower rate a connection would be cut: while it waits nothing is read, not even a pong, which is due in 10 s."""


class Settings(Struct, frozen=True, kw_only=True):
    """The server's settings. The option is ``--name-with-dashes``, the variable ``CHATTY_NAME``."""

    host: Annotated[str, _help("The address to listen on. Beyond loopback it needs --access.")] = "127.0.0.1"
    port: Annotated[int, _help("The port to listen on; 0 for any free one."), Range(1, 65_535)] = PORT
    data: Annotated[Path, _help("The directory that keeps everything.")] = _home()
    access: Annotated[str, _help("'token' lets in those with a token; 'open' all who reach it.")] = ""
    admin_token_file: Annotated[str, _help("A file with an administrator's token, for set-ups by files.")] = ""
    tls_cert: Annotated[Path | None, _help("Serve HTTPS, with the certificate in this PEM file.")] = None
    tls_key: Annotated[Path | None, _help("The PEM file with the certificate's key.")] = None
    allowed_host: Annotated[str, _help("Host names to answer to besides loopback's, separated by commas.")] = ""
    allowed_origin: Annotated[str, _help("Origins of pages that may use it, separated by commas.")] = ""
    trusted_proxy: Annotated[
        str, _help("Addresses or networks of proxies to believe who their clients are, separated by commas.")
    ] = ""
    oidc_issuer: Annotated[str, _help("The URL of an OpenID provider, whose users may sign in.")] = ""
    oidc_client_id: Annotated[str, _help("The provider's client that stands for this server.")] = ""
    oidc_name: Annotated[str, _help("The claim that names somebody.")] = "preferred_username"
    oidc_admin: Annotated[str, _help("The group, of the claim 'groups', whose members are administrators.")] = ""
    identity_header: Annotated[
        str, _help("The header in which a trusted proxy tells who signs in. It needs --proxy-secret-file.")
    ] = ""
    proxy_secret_file: Annotated[
        str, _help("A file with the secret that the proxy shows in X-Chatty-Proxy-Secret.")
    ] = ""
    login_age: Annotated[str, _help("How long a sign-in lasts: 8h, 1d …")] = "1d"
    message_rate: Annotated[
        float, _help("Messages per second from one connection after a burst of 50; 0: no limit."), _PACE
    ] = 10.0
    join_rate: Annotated[float, _help("Joins per minute from one address; 0: no limit."), _RATE] = 60.0
    room_rate: Annotated[float, _help("New rooms per minute from one address; 0: no limit."), _RATE] = 10.0
    room_members: Annotated[
        int, _help("Participants in one room at the same time; 0: no limit."), Range(1, 1_000_000)
    ] = 10_000
    read_rate: Annotated[
        float, _help("Requests that read, per second from one address after a burst of 100; 0: no limit."), _RATE
    ] = 20.0
    password_tries: Annotated[
        int, _help("Wrong passwords from one address for one room in 15 minutes; 0: no limit."), Range(1, 1_000_000)
    ] = 5
    connections_per_ip: Annotated[int, _help("Connections from one address; 0: no limit."), Range(1, 1_000_000)] = 32
    retain_events: Annotated[int, _help("Messages to keep in each room; 0: all."), Range(1, 1_000_000_000)] = 0
    retain_age: Annotated[str, _help("How long to keep messages: 30d, 12h …; empty: forever.")] = ""
    log: Annotated[
        str, _help("Servers of NATS that keep the log of a cluster: nats://HOST:PORT, separated by commas.")
    ] = ""
    node: Annotated[str, _help("This server's name in its cluster.")] = ""
    replicas: Annotated[int, _help("How many servers of NATS keep each message."), Range(1, 5)] = 3
    secret_file: Annotated[str, _help("A file with the cluster's secret: chatty cluster secret > FILE.")] = ""
    tracing: Annotated[str, _help("otlp sends traces to an OpenTelemetry collector, by the usual variables.")] = "off"
    log_level: Annotated[str, _help("debug, info, warning or error.")] = "info"
    log_format: Annotated[str, _help("text for people, json for machines.")] = "text"


class Setting(NamedTuple):
    """A row of the table."""

    name: str
    type: Any
    default: Any
    help: str
    range: Range | None
    """For numbers only."""

    @property
    def option(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        return f"CHATTY_{self.name.upper()}"


def _table() -> tuple[Setting, ...]:
    hints, described = get_type_hints(Settings), get_type_hints(Settings, include_extras=True)
    rows = []
    for field in fields(Settings):
        meta, *ranges = described[field.name].__metadata__
        rows.append(Setting(field.name, hints[field.name], field.default, meta.description, *(ranges or [None])))
    return tuple(rows)


SETTINGS: Final[tuple[Setting, ...]] = _table()
