"""In JSON every line on standard error is an object: the first, the last, and those of libraries and Python itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import PATIENCE, ROOT, Server, environment, free_port

JSON = ("--log-format", "json")


def objects(text: str) -> list[dict[str, Any]]:
    """The lines, each of which must be an object of the log."""
    found: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for line in found:
        assert {"event", "level", "timestamp"} <= set(line)
        assert line["timestamp"].endswith("Z")
    return found


def said(*command: str, status: int, **extra: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, env=environment(**extra),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    return objects(done.stderr)


def test_a_server_prints_objects_from_start_to_end(tmp_path: Path) -> None:
    (tmp_path / "no-directory").touch()
    options = (*JSON, "--host", "0.0.0.0", "--access", "open", "--room", "general", "--room", "a b")
    with Server(tmp_path / "data", *options, env={"XDG_STATE_HOME": str(tmp_path / "no-directory")}) as server:
        assert server.stop() == 0
        lines = objects(server.log)
    assert lines[0]["address"] == f"http://0.0.0.0:{server.port}"
    assert lines[0]["data"] == str(server.data)
    assert [line["level"] for line in lines[:2]] == ["info", "warning"]
    assert sum("is not remembered" in line["event"] for line in lines) == 2
    assert lines[-1]["event"] == "stopped"


def test_the_notices_at_the_start_are_printed_at_any_log_level(tmp_path: Path) -> None:
    with Server(tmp_path / "data", *JSON, "--log-level", "error") as server:
        server.stop()
        assert objects(server.log)[0]["address"] == server.url


@pytest.mark.parametrize(
    ("arguments", "status", "event"),
    [
        (["--port", "many"], 2, "--port"),
        (["--nonsense"], 2, "--nonsense"),
        (["--allowed-host", "https://a.example"], 2, "is not a host"),
        (["--room", ""], 2, "cannot be a room's name"),
        (["--data", "/dev/null/data"], 2, "cannot use /dev/null/data"),
        (["--data", "damaged"], 1, "the data is damaged"),
    ],
)
def test_a_server_that_does_not_start_prints_an_object(
    tmp_path: Path, arguments: list[str], status: int, event: str
) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "chatty.db").write_bytes(b"nothing of chatty's" * 100)
    there = [str(tmp_path / argument) if argument == "damaged" else argument for argument in arguments]
    serve = ("-m", "chatty", "serve", "--port", "0", "--data", str(tmp_path / "data"))
    (line,) = said(*serve, *JSON, *there, status=status)
    assert event in line["event"]
    assert (line["level"], line["exit"]) == ("error", status)
    assert line["hint"]


@pytest.mark.parametrize(("form", "variable"), [(JSON, "text"), (("--log-format=json",), ""), ((), "json")])
@pytest.mark.parametrize(("arguments", "status"), [(["--port", "many"], 2), (["--data", "/dev/null/data"], 2)])
def test_json_is_chosen_by_an_option_in_either_form_or_else_by_the_variable(
    form: tuple[str, ...], variable: str, arguments: list[str], status: int
) -> None:
    (line,) = said("-m", "chatty", "serve", *form, *arguments, status=status, CHATTY_LOG_FORMAT=variable)
    assert (line["level"], line["exit"]) == ("error", status)


def test_the_last_line_of_a_server_that_cannot_go_on_is_an_object(tmp_path: Path) -> None:
    sabotaged = f"""
import sys
from pathlib import Path
from chatty.server import app
from chatty.server.platform.pipeline import housekeeping
from chatty.server.settings import Settings
from tests.support.room_list import NoRooms

async def fail(*_):
    raise RuntimeError("a bug")

housekeeping.keep_rooms = fail
sys.exit(app.run(Settings(data=Path({str(tmp_path)!r}), port={free_port()}, log_format="json"), [], NoRooms()))
"""
    last = said("-c", sabotaged, status=1)[-1]
    assert (last["event"], last["error"], last["hint"]) == ("the server cannot go on", "a bug", "see the log")
    assert last["exception"]


OTHERS = """
import asyncio, logging, sys, threading, warnings
from chatty.server.structured_logging import set_up

set_up("info", sys.argv[1], sys.stderr)

class Unwilling:
    def __del__(self):
        raise ValueError("in a destructor")

async def forgotten():
    raise ValueError("in a task")

async def main():
    asyncio.create_task(forgotten())
    await asyncio.sleep(0.01)

warnings.warn("two\\nlines", DeprecationWarning)
Unwilling()
thread = threading.Thread(target=lambda: 1 / 0, name="worker")
thread.start()
thread.join()
asyncio.run(main())
logging.getLogger("aiohttp.server").error("bytes of a peer")
logging.getLogger("a.library").critical("it %s", "ends")
sys.stderr.close()
logging.getLogger("a.library").error("nobody reads this")
"""


def test_the_output_of_libraries_and_of_python_is_an_object(tmp_path: Path) -> None:
    lines = said("-W", "always", "-c", OTHERS, "json", status=0)
    events = [line["event"] for line in lines]
    assert "two\nlines" in events[0]
    assert lines[1]["about"] == "Unwilling.__del__"
    assert lines[2]["thread"] == "worker"
    assert "Task exception was never retrieved" in events[3]
    assert events[4:] == ["it ends"]
    for line in lines[1:4]:
        assert line["exception"][0]["exc_value"]


def test_text_output_has_no_lone_traceback_of_the_logging(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", OTHERS, "text"],
        capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, env=environment(),
    )  # fmt: skip
    assert "in a destructor" in done.stderr
    assert "bytes of a peer" not in done.stderr
    assert "nobody reads this" not in done.stderr
    assert "Logging error" not in done.stderr
