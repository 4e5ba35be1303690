"""Commands that know several nodes of a server outlive each of them, and are one user to all."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.cli.user import User
from tests.support.proxy import Proxy
from tests.support.server import Server


async def test_commands_go_on_at_another_node_as_the_same_user(server: Server, tmp_path: Path) -> None:
    async with Proxy(server.port) as first, Proxy(server.port) as second:
        nodes = f"{first.url},{second.url}"
        with User(tmp_path / "home", nodes) as user:

            def run(*arguments: str) -> str:
                return user.says(*arguments)

            room = (await asyncio.to_thread(run, "create", "deploys")).strip()
            tail = user.start("tail", "deploys", "--since", "0", "--json", "--cursor", str(tmp_path / "cursor"))
            sending = user.start("send", "deploys", "--key", "k", "--json")
            assert tail.stdout is not None
            assert sending.stdin is not None
            assert sending.stdout is not None
            sending.stdin.write(b"before\n")
            assert json.loads(await asyncio.to_thread(tail.stdout.readline))["text"] == "before"
            await asyncio.to_thread(sending.stdout.readline)

            await first.hang_up()
            assert first.cut() >= 2
            sending.stdin.write(b"after\n")
            sending.stdin.close()
            assert json.loads(await asyncio.to_thread(tail.stdout.readline))["text"] == "after"
            assert await asyncio.to_thread(sending.wait) == 0

            # The same key and the same cursor at the other node, of which a URL may speak.
            url = f"{second.url}/v1/rooms/{room}"
            again = user.start("send", url, "--key", "k")
            assert again.stdin is not None
            again.stdin.write(b"before\nafter\n")
            again.stdin.close()
            assert await asyncio.to_thread(again.wait) == 0
            tail.terminate()
            await asyncio.to_thread(tail.wait)
            await asyncio.to_thread(run, "close", url)
            cursor = ("--json", "--cursor", str(tmp_path / "cursor"))
            left = (await asyncio.to_thread(run, "tail", url, *cursor)).splitlines()
    assert server.texts(room) == ["before", "after"]
    assert [json.loads(line)["event_type"] for line in left] == ["room_closed"]
