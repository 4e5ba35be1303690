"""Tells a room how a command is doing."""

from __future__ import annotations

import asyncio
from typing import Final

from chatty.cli.child import Ending
from chatty.cli.lastlines import in_code_block
from chatty.cli.progress import Progress
from chatty.cli.speaking import persistently, receipt
from chatty.client.http import Http
from chatty.client.identity import new_secret
from chatty.errors import Refused

__all__ = ["Report"]

_EVERY: Final = 2.0
"""Seconds from one update of the message to the next."""

_LIVE_LINES: Final = 10


class Report:
    """The messages in ``room_id``, said as ``name``, about one run of the command ``line``, as the room sees it.

    Not ``from_the_start``: it is told only how that ended.
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
        self._run = new_secret()

    async def tell(self) -> None:
        """Say what there is to say, from the beginning to the end. Raises `ChattyError`."""
        first = 0
        if self._from_the_start:
            first = await self._say(f"▶ {self._title}")
            await self._follow(first)
        await self._progress.ended.wait()
        ending = self._progress.ending
        assert ending is not None
        await self._say(self._result(ending), reply_to=first)

    async def _say(self, text: str, reply_to: int = 0) -> int:
        mark = receipt(self._run, text)
        return await persistently(
            lambda: self._http.send(self._room_id, text, name=self._name, reply_to=reply_to, receipt=mark)
        )

    async def _follow(self, message: int) -> None:
        """Keeps ``message`` up to date until the command ends, and then leaves its lines to the result."""
        progress, shown = self._progress, ""
        try:
            while True:
                await self._pause()
                await progress.printed.wait()
                progress.printed.clear()
                if progress.ended.is_set():
                    break
                lines = progress.lines.text(_LIVE_LINES, ended=False)
                if lines != shown:
                    shown = lines
                    block = f" · {_duration(progress.seconds)}\n{in_code_block(lines)}"
                    await self._edit(message, f"▶ {self._title}{block}")
            if shown:
                await self._edit(message, f"▶ {self._title}")
        except Refused:
            return  # somebody has deleted it; the result is told all the same

    async def _edit(self, message: int, text: str) -> None:
        await persistently(lambda: self._http.edit(self._room_id, message, text, name=self._name))

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_EVERY):
                await self._progress.ended.wait()
        except TimeoutError:
            return

    def _result(self, ending: Ending) -> str:
        if ending.error:
            return f"✖ {self._title}: {ending}"
        sign, word = ("✖", "after") if ending.status else ("✔", "in")
        text = f"{sign} {self._title}: {ending} {word} {_duration(self._progress.seconds)}"
        lines = self._progress.lines.text(ended=True)
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
