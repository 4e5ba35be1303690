"""Reports the progress of a command to a room."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from chatty.cli.scripting.last_lines import LAST_LINES, in_code_block
from chatty.cli.scripting.processes.child import Ending
from chatty.cli.scripting.progress import Progress
from chatty.cli.scripting.retry import idempotency_key, retry
from chatty.client.http import Http
from chatty.client.identity import new_secret
from chatty.errors import ChattyError, Refused

__all__ = ["Reporter"]

_EVERY: Final = 2.0
"""Seconds from one update of the message to the next."""

_LIVE_LINES: Final = 10

_RESULT_LINES: Final = 3
"""Lines of a success: nobody looks for what went wrong. A failure has all that are kept."""

_GONE: Final = "message_not_found"
"""The refusal for a message that was deleted, or that the room no longer keeps."""


class Reporter:
    """Posts messages to ``room_id`` as ``name`` about one run of a command, which the room sees as ``line``.

    If not ``from_the_start``, it reports only the end.
    """

    def __init__(
        self, http: Http, room_id: str, name: str, line: str, progress: Progress, *, from_the_start: bool
    ) -> None:
        self._http = http
        self._room_id = room_id
        self._name = name
        self._title = f"`` {line} ``" if "`" in line else f"`{line}`"
        self._progress = progress
        self._from_the_start = from_the_start
        self._run_id = new_secret()

    async def run(self) -> None:
        """Report from the start to the end. Raises `ChattyError` if the end can't be reported."""
        progress, first = self._progress, 0
        shown: str | None = ""
        if self._from_the_start:
            with suppress(ChattyError):
                first = await self._post(f"▶ {self._title}")
                shown = await self._follow(first)
        await progress.ended.wait()
        assert progress.ending is not None
        result = self._result(progress.ending)
        try:
            await self._post(result, reply_to=first)
        except Refused as refusal:
            if not first or refusal.code != _GONE:
                raise
            await self._post(result)
        if shown != "":  # the result has the lines now
            with suppress(ChattyError):
                await self._edit(first, f"▶ {self._title}")

    async def _post(self, text: str, reply_to: int = 0) -> int:
        unique = idempotency_key(self._run_id, text)
        return await retry(
            lambda: self._http.send(
                self._room_id, text, name=self._name, reply_to=reply_to, idempotency_key=unique, automatic=1
            )
        )

    async def _follow(self, message: int) -> str | None:
        """Update ``message`` until the command ends. Gives the lines that it shows then; None if that isn't known.

        An update that fails is left for the next time. Raises Refused if the message is gone.
        """
        progress = self._progress
        shown: str | None = ""
        while True:
            await self._pause()
            await progress.printed.wait()
            progress.printed.clear()
            if progress.ended.is_set():
                return shown
            lines = progress.lines.text(_LIVE_LINES, ended=False)
            if lines == shown:
                continue
            block = f" · {_duration(progress.seconds)}\n{in_code_block(lines)}"
            try:
                await self._edit(message, f"▶ {self._title}{block}")
                shown = lines
            except ChattyError as error:
                if isinstance(error, Refused) and error.code == _GONE:
                    raise
                shown = None
                progress.printed.set()

    async def _edit(self, message: int, text: str) -> None:
        await self._http.edit(self._room_id, message, text, name=self._name)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_EVERY):
                await self._progress.ended.wait()
        except TimeoutError:
            return

    def _result(self, ending: Ending) -> str:
        if ending.error:
            return f"✖ {self._title}: {ending}"
        sign, word = ("✖", "after") if ending.failed else ("✔", "in")
        text = f"{sign} {self._title}: {ending} {word} {_duration(self._progress.seconds)}"
        lines = self._progress.lines.text(LAST_LINES if ending.failed else _RESULT_LINES, ended=True)
        return f"{text}\n{in_code_block(lines)}" if lines else text


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
