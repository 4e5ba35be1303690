"""The README, played word for word: what it says to type works, and what it shows is what one sees."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.support.faults import eventually
from tests.support.server import ROOT, Server, environment
from tests.support.tmux import Tmux, settled

README = (ROOT / "README.md").read_text("utf-8")
WALK = README.split("## Five minutes to a working room\n", 1)[1].split("\n## ", 1)[0]
BLOCKS = [
    re.sub(r"^ {4}", "", block, flags=re.MULTILINE).rstrip() for block in re.findall(r"(?:^    .*\n)+", WALK, re.M)
]


def commands(block: str) -> list[str]:
    """The lines that a reader types."""
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def block_with(text: str) -> str:
    (found,) = (block for block in BLOCKS if text in block)
    return found


def test_the_walk_through_a_first_room_shows_what_the_readme_shows(tmux: Tmux, server: Server) -> None:
    _, create, join = commands(block_with("$ chatty create general"))
    (join_as_ada,) = commands(block_with("--name Ada"))
    send, tail = commands(block_with("| chatty send general"))
    # One machine, one user, three terminals: rooms that the first terminal creates are known in the others.
    home = {"XDG_STATE_HOME": str(server.data.parent / "state"), "XDG_CONFIG_HOME": str(server.data.parent / "config")}
    john, ada, script = (tmux.person(name, **home) for name in ("John", "Ada", "script"))

    john.says(create)
    john.sees("join it: chatty join ")
    john.says(f"clear; {join}")
    john.sees("● connected")
    ada.says(f"clear; {join_as_ada}")
    ada.sees("● connected")
    john.says("Hello Ada")
    ada.sees("Hello Ada")
    ada.says("Glad to be here")
    john.types("half-typed")
    john.sees(lambda rows: "\n".join(rows) == settled(block_with("> half-typed")))

    script.says(f"clear; {send}; {tail}")
    shown = [line for line in block_with(send).splitlines() if not line.startswith("$ ")]
    script.sees(lambda rows: rows[-4:-1] == settled("\n".join(shown)).splitlines())

    server.kill9()
    john.sees("reconnecting")
    server.start()
    john.sees("● connected")
    assert not any("Ada left" in row for row in john.rows)


def test_the_python_sample_runs_as_it_stands(server: Server) -> None:
    (sample,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    source = sample.replace("http://127.0.0.1:8080", server.url)
    with subprocess.Popen(
        [sys.executable, "-u", "-c", source], stdout=subprocess.PIPE, text=True, env=environment()
    ) as echo:
        assert echo.stdout is not None
        room_id = echo.stdout.readline().removeprefix("now: chatty join ").strip()
        eventually(lambda: len(server.history(room_id)) == 1, "the sample joins its room")
        server.ask("POST", f"/v1/rooms/{room_id}/messages", {"participant": "Ada", "text": "is anybody here?"})
        eventually(lambda: server.texts(room_id) == ["is anybody here?"] * 2, "it says what others say")
        echo.kill()
