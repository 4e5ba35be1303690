"""The page of metrics is as Prometheus wants it, also for the figures of a log that nodes share."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path

from websockets.asyncio.client import connect

from chatty.server.platform.pipeline.log.figures import LOG_FIGURES, LogFigures
from chatty.server.platform.pipeline.metrics import Metrics
from tests.deploy.prometheus import promtool
from tests.server.asking import ask
from tests.support.server import Server


def page(server: Server) -> bytes:
    return ask(server, "GET", "/metrics").body


def figure(server: Server, name: str) -> float:
    return next(
        float(line.rpartition(" ")[2]) for line in page(server).decode().splitlines() if line.startswith(f"{name} ")
    )


async def test_promtool_finds_nothing_wrong_with_the_page_of_a_server_that_was_used(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        url = f"ws://127.0.0.1:{server.port}/v1/rooms/{room}/ws?name=Ada"
        async with connect(url) as v1, connect(f"ws://127.0.0.1:{server.port}/chat/join?room={room}&name=Bo") as seed:
            await seed.send("hello")
            while json.loads(await v1.recv())["event_type"] != "message":
                pass
            shown = await asyncio.to_thread(page, server)
            assert b'chatty_members{dialect="seed"} 1.0' in shown
            assert b'chatty_members{dialect="v1"} 1.0' in shown
        for since in (1, 99):
            async with connect(f"{url}&since={since}") as socket:
                while json.loads(await socket.recv())["event_type"] != "live":
                    pass
        await asyncio.to_thread(server.ask, "GET", f"/v1/rooms/{room}/events?q=hello")
        await asyncio.to_thread(ask, server, "GET", f"/v1/rooms/{room}", headers={"Authorization": "Bearer chatty_t_x"})
        shown = await asyncio.to_thread(page, server)
    assert promtool("check", "metrics", said=shown) == (0, "")
    for line in (
        b"chatty_resumes_total 2.0", b'chatty_gaps_total{reason="ahead"} 1.0', b"chatty_search_seconds_count 1.0",
    ):  # fmt: skip
        assert line in shown


def test_promtool_finds_nothing_wrong_with_the_figures_of_a_log_that_nodes_share() -> None:
    metrics = Metrics()
    metrics.log = lambda: LogFigures(**{field: 0 for field, _, _ in LOG_FIGURES})
    assert promtool("check", "metrics", said=metrics.page()) == (0, "")


def test_promtool_does_find_faults() -> None:
    status, said = promtool("check", "metrics", said=b"# TYPE bad counter\nbad 1\n")
    assert (status, "_total" in said) == (3, True)


def test_the_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        assert figure(server, "chatty_database_bytes") == (server.data / "chatty.db").stat().st_size
        assert figure(server, "chatty_write_ahead_log_bytes") == (server.data / "chatty.db-wal").stat().st_size
        assert 0 < figure(server, "chatty_disk_free_bytes") < figure(server, "chatty_disk_size_bytes")


def test_an_index_that_is_behind_says_by_how_many_events(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        room = server.make_room()["id"]
        with closing(server.line()) as line:
            for number in range(50):
                body = json.dumps({"participant": "Ada", "text": f"message {number}"})
                line.request("POST", f"/v1/rooms/{room}/messages", body, {"Content-Type": "application/json"})
                line.getresponse().read()
        server.ask("GET", f"/v1/rooms/{room}/events?q=message")  # which waits until the index has them all
        assert figure(server, "chatty_index_lag_events") == 0
