"""``chatty serve``: runs a server."""

from __future__ import annotations

from typing import Any, Final

import typer

from chatty.cli.failures import usage
from chatty.cli.options import environment
from chatty.cli.serving import RoomList, with_settings, without_rich
from chatty.server.settings import SettingError, Settings

EXAMPLES: Final = (
    "chatty serve --room general",
    "chatty serve --port 9000 --data /var/lib/chatty --retain-age 30d",
)


@with_settings()
def command(ctx: typer.Context, **given: Any) -> int:
    """Run a server until SIGTERM or Ctrl-C."""
    with without_rich():
        from chatty.server.app import run

    rooms = given.pop("room") or []
    try:
        return run(Settings(**given), rooms, RoomList(environment(ctx)))
    except SettingError as error:
        raise usage(str(error), error.hint) from None
