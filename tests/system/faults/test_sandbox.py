"""What a sandbox refuses that is only nice to have ends nothing: it is logged once, and gone without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.server.asking import ask, refusal
from tests.support.faults import eventually
from tests.support.server import PATIENCE, ROOT, Server, environment
from tests.support.traced import TracedServer


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[Callable[[str, str], Server]]:
    """Starts a server whose system calls are refused, as strace says it."""
    with ExitStack() as stack:

        def start(call: str, how: str) -> Server:
            options = ("-e", f"trace={call}", "-e", f"inject={call}:{how}")
            return stack.enter_context(TracedServer(tmp_path / "data", *options))

        yield start


def finds(server: Server, room: str, text: str) -> bool:
    """Whether a search finds ``text``; on a slow machine the index may not be there yet."""
    answer = ask(server, "GET", f"/v1/rooms/{room}/events?q=find")
    if answer.status != 200:
        assert refusal(answer) == (503, "unavailable")
        return False
    return text in [event["text"] for event in answer.json["events"]]


@pytest.mark.parametrize(
    ("call", "how", "feature"),
    [
        ("setpriority", "error=EPERM", "a low priority for search"),
        ("prlimit64", "error=EPERM", "more open files"),
        ("setsockopt", "error=EPERM:when=1..4", "bounded send buffers"),
        ("clone3", "error=EAGAIN:when=7", "a thread for search"),
    ],
)
def test_an_optional_feature_that_is_refused_is_logged_once_and_all_works(
    refusing: Callable[[str, str], Server], call: str, how: str, feature: str
) -> None:
    server = refusing(call, how)
    room = server.make_room()["id"]
    for text in ("find me", "find me, too"):
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": text})
        eventually(partial(finds, server, room, text), "it is found")
    assert ask(server, "GET", "/readyz").status == 200
    assert server.log.count(feature) == 1
    assert server.stop() == 0


def test_where_threads_are_few_reading_does_with_fewer(refusing: Callable[[str, str], Server]) -> None:
    server = refusing("clone3", "error=EAGAIN:when=3")
    room = server.make_room()["id"]
    server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "hello"})
    assert server.texts(room) == ["hello"]
    assert "fewer threads than wanted" in server.log
    assert "threads=2" in server.log
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("clone3:error=EAGAIN", "error: no thread can be started\nhint:  raise the limit of processes"),
        ("flock:error=ENOLCK", "cannot be locked against a second server (No locks available)\nhint:  choose a --data"),
    ],
)
def test_what_a_server_cannot_do_without_ends_it_with_what_to_do(tmp_path: Path, call: str, said: str) -> None:
    command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call.partition(':')[0]}", "-e", f"inject={call}"]
    serve = [sys.executable, "-m", "chatty", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(
        [*command, *serve], capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, env=environment()
    )
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 2)


SABOTAGED = """
import sys
from pathlib import Path
from chatty.server import app
from chatty.server.platform.store.search.searching import Search
from chatty.server.settings import Settings
from tests.support.room_list import NoRooms

really, runs = Search._run, []

def die(self):
    runs.append(self)
    if len(runs) > {deaths}:
        really(self)

Search._run = die
sys.exit(app.run(Settings(data=Path(sys.argv[1]), port=int(sys.argv[2])), [], NoRooms()))
"""


class Sabotaged(Server):
    """A server whose search thread ends as soon as it is started, so many times."""

    def __init__(self, data: Path, deaths: int) -> None:
        super().__init__(data)
        self._deaths = deaths

    def start(self, *, wait: bool = True) -> Sabotaged:
        program = SABOTAGED.format(deaths=self._deaths)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, str(self.data), str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=self._env,
            )  # fmt: skip
        if wait:
            self.wait_ready_or_kill("/healthz")
        return self


def test_a_thread_that_has_ended_is_noticed_and_a_search_says_so_at_once(tmp_path: Path) -> None:
    with Sabotaged(tmp_path / "data", deaths=1_000) as server:
        assert refusal(ask(server, "GET", "/readyz")) == (503, "unavailable")
        assert "search" in ask(server, "GET", "/readyz").json["detail"]
        figures = ask(server, "GET", "/metrics").body.decode()
        up = {line for line in figures.splitlines() if line.startswith("chatty_part_up{")}
        works = {
            f'chatty_part_up{{part="{part}"}} 1.0' for part in ("log", "reads", "heartbeat", "loop_lag", "housekeeping")
        }
        assert up == works | {'chatty_part_up{part="search"} 0.0'}
        room = server.make_room()["id"]
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "find me"})
        assert refusal(ask(server, "GET", f"/v1/rooms/{room}/events?q=find")) == (503, "unavailable")
        assert server.texts(room) == ["find me"]


def test_a_search_thread_that_has_ended_is_started_again(tmp_path: Path) -> None:
    with Sabotaged(tmp_path / "data", deaths=1) as server:
        room = server.make_room()["id"]
        server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": "Ada", "text": "find me"})
        eventually(partial(finds, server, room, "find me"), "it is found")
        assert ask(server, "GET", "/readyz").status == 200
