"""Every setting of the server, once: name, type, default, help. Options and variables come from here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import fields
from platformdirs import user_data_path

from chatty.protocol import PORT


def _help(text: str) -> Any:
    return Meta(description=text)


class Settings(Struct, frozen=True, kw_only=True):
    """The server's settings. The option is ``--name-with-dashes``, the variable ``CHATTY_NAME``."""

    host: Annotated[str, _help("The address to listen on. Beyond loopback it needs --access.")] = "127.0.0.1"
    port: Annotated[int, _help("The port to listen on; 0 for any free one.")] = PORT
    data: Annotated[Path, _help("The directory that keeps everything.")] = user_data_path("chatty")
    access: Annotated[str, _help("Who may use this server: 'open' for everybody who reaches it.")] = ""
    allowed_host: Annotated[str, _help("Host names to answer to besides loopback's, separated by commas.")] = ""
    allowed_origin: Annotated[str, _help("Origins (https://…) of pages that may use this server, by commas.")] = ""
    message_rate: Annotated[float, _help("Messages a second from one connection after a burst of 50; 0: any.")] = 10.0
    join_rate: Annotated[float, _help("Joins a minute from one address; 0: any.")] = 60.0
    room_rate: Annotated[float, _help("New rooms a minute from one address; 0: any.")] = 10.0
    connections_per_ip: Annotated[int, _help("Connections from one address; 0: any.")] = 32
    retain_events: Annotated[int, _help("Messages to keep in each room; 0: all.")] = 0
    retain_age: Annotated[str, _help("How long to keep messages: 30d, 12h …; empty: for ever.")] = ""
    log_level: Annotated[str, _help("debug, info, warning or error.")] = "info"
    log_format: Annotated[str, _help("text for people, json for machines.")] = "text"


class Setting(NamedTuple):
    """A row of the table."""

    name: str
    type: type
    default: Any
    help: str


def _table() -> tuple[Setting, ...]:
    hints, described = get_type_hints(Settings), get_type_hints(Settings, include_extras=True)
    return tuple(
        Setting(field.name, hints[field.name], field.default, described[field.name].__metadata__[0].description)
        for field in fields(Settings)
    )


SETTINGS: Final[tuple[Setting, ...]] = _table()
