"""The fixture for people who write bots: what docs/python.md shows is given to a real pytest."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chatty
from chatty.client.states import Connected, Reconnecting, State
from chatty.testing import ChattyServer
from tests.support.server import ROOT, environment

SECTION = (ROOT / "docs/python.md").read_text("utf-8").split("\n## Testing a bot\n")[1].split("\n## ")[0]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChattyServer]:
    with ChattyServer(tmp_path / "deep" / "data") as running:
        yield running


def run_pytest(directory: Path, conftest: str, tests: str, **env: str) -> subprocess.CompletedProcess[str]:
    (directory / "conftest.py").write_text(conftest)
    (directory / "test_bot.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", ".", f"--basetemp={directory}/b"]
    bare = environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", **env)
    return subprocess.run([*command, "-W", "error"], capture_output=True, text=True, cwd=directory, env=bare)


def test_the_documented_test_of_a_bot_passes(tmp_path: Path) -> None:
    conftest, tests = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    done = run_pytest(tmp_path, conftest, tests)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_each_test_has_a_server_of_its_own_and_none_outlives_it(tmp_path: Path) -> None:
    tests = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("run", range(2))
def test_it(chatty_server, tmp_path, run):
    assert chatty_server.data.parent == tmp_path
    with Path("addresses").open("a") as file:
        print(chatty_server.url, file=file)
    assert run == 0, "on purpose"
"""
    done = run_pytest(tmp_path, 'pytest_plugins = ["chatty.testing"]', tests)
    assert "1 failed, 1 passed" in done.stdout
    addresses = (tmp_path / "addresses").read_text().split()
    assert len(set(addresses)) == 2
    for address in addresses:
        with pytest.raises(chatty.Unreachable):
            asyncio.run(chatty.create_room(address, "anybody?"))


def test_settings_of_whoever_runs_the_tests_do_not_reach_the_server(tmp_path: Path) -> None:
    tests = "def test_it(chatty_server):\n    assert chatty_server.create_room('Deploys').name == 'Deploys'\n"
    done = run_pytest(tmp_path, 'pytest_plugins = ["chatty.testing"]', tests, CHATTY_HOST="no-such-host.invalid")
    assert "1 passed" in done.stdout, done.stdout


def test_without_pytest_there_is_a_server_all_the_same(tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["pytest"] = None  # which is how Python remembers that a module cannot be imported
import chatty.testing
with chatty.testing.ChattyServer("{tmp_path}/data") as server:
    print(server.create_room("Deploys").name, server.data)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment(), cwd=ROOT)
    assert done.stdout == f"Deploys {tmp_path}/data\n", done.stderr


async def test_a_killed_server_comes_back_with_what_it_has_acked(server: ChattyServer) -> None:
    states: list[State] = []
    created = server.create_room()
    async with chatty.join(server.url, created.id, name="Ada", on_state=states.append) as room:
        await room.send("before")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await room.send("after")
        assert [message.text async for message in room.history()] == ["before", "after"]
    assert {Connected, Reconnecting} <= {type(state) for state in states}


def test_a_server_is_stopped_started_and_restarted_as_often_as_one_likes(server: ChattyServer) -> None:
    url = server.url
    server.start()
    server.stop()
    server.stop()
    server.kill()
    server.restart()
    server.restart()
    assert server.url == url
    assert server.create_room("Deploys").url.startswith(url)
    assert server.log.count(url) >= 3


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(RuntimeError, match=r"it said:\n.*data"):
        ChattyServer(tmp_path / "data").start()


def test_a_name_that_is_none_is_refused(server: ChattyServer) -> None:
    with pytest.raises(chatty.Refused) as refused:
        server.create_room("")
    assert refused.value.code == "name_invalid"
