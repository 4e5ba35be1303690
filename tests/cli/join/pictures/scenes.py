"""Scenes of ``chatty join`` at real terminals, for the pictures in the documentation.

``python -m tests.cli.join.pictures.scenes`` plays them and draws docs/screens/.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from tests.cli.join.pictures.drawing import PALETTES, Shown, drawn, shown
from tests.cli.join.seat import Seat
from tests.support.server import CHATTY, ROOT, Server, environment

__all__ = ["PICTURES", "SCENES", "Scene", "path_of", "played"]

PICTURES: Final = ROOT / "docs" / "screens"
ENTER, ALT_UP, ALT_R, CTRL_D = "\r", "\x1b[1;3A", "\x1br", "\x04"
A_DAY: Final = 86_400


class Stage:
    """A server, a home for each person, and what people do at their terminals."""

    def __init__(self, server: Server, home: Path, stack: ExitStack) -> None:
        self.server = server
        self.home = home
        self._stack = stack

    def room(self, name: str, topic: str = "") -> str:
        return str(self.server.make_room(name, topic=topic)["id"])

    def sits(self, name: str, *rooms: str, columns: int = 78, rows: int = 20) -> Seat:
        """Somebody joins, and the first room is there."""
        first, *others = rooms
        seat = Seat(self.home / name, self.server.url, first, *others, name=name, columns=columns, rows=rows)
        self._stack.enter_context(seat)
        seat.sees("●")
        return seat

    def says(self, room: str, name: str, text: str) -> None:
        self.server.ask("POST", f"/v1/rooms/{room}/messages", {"participant": name, "text": text})

    def run(self, room: str, *command: str) -> subprocess.Popen[bytes]:
        """``chatty run``, with programs of the stage's own."""
        given = ["run", room, "--server", self.server.url, "--name", "ci", "--", *command]
        env = environment(
            PATH=f"{self.home}:/usr/bin:/bin", XDG_CONFIG_HOME=str(self.home), XDG_STATE_HOME=str(self.home)
        )
        process = subprocess.Popen(
            [*CHATTY, *given], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=env, cwd=ROOT
        )
        self._stack.enter_context(process)
        self._stack.callback(process.terminate)
        return process


class Scene(NamedTuple):
    """What the picture ``name`` shows, and how it is played."""

    name: str
    title: str
    play: Callable[[Stage], Shown]


def at_rest(seat: Seat) -> Shown:
    """What is on the screen once all of it has come: the cursor is in the line, and the status is below."""
    seat.sees(lambda rows: "●" in rows[-1] and rows[seat.glass.cursor[0]].startswith(">"))
    return shown(seat.glass)


def _rooms(stage: Stage) -> Shown:
    deploys = stage.room("deploys", "what goes out when")
    ops, general = stage.room("ops"), stage.room("general")
    ada = stage.sits("Ada", deploys)
    john = stage.sits("John", deploys, ops, general)
    john.sees("2 #ops")
    ada.press(f"ready to deploy? the list is in `CHANGELOG.md`{ENTER}")
    john.sees("Ada │ ready to")
    john.press(f"**yes**, at noon{ENTER}")
    ada.sees("John │ yes")
    ada.press(f"/react :tada:{ENTER}")
    john.sees("🎉")
    for text in ("good morning", "lunch is at one", "who has the projector?"):
        stage.says(general, "Grace", text)
    john.sees("3 #general 3")
    stage.says(ops, "Eve", "@John the disk of db-2 is at 91 %")
    john.sees("2 #ops !1")
    ada.press(f"@john: then I write to everybody{ENTER}")
    john.sees("then I write")
    john.press("half-typed")
    john.sees("> half-typed")
    return at_rest(john)


def _back(stage: Stage) -> Shown:
    room = stage.room("deploys", "what goes out when")
    for text in ("1.4 is tagged", "the notes are ready, too"):
        stage.says(room, "Ada", text)
    john = stage.sits("John", room)
    john.sees("the notes are ready")
    john.press(f"then tomorrow{ENTER}")
    john.sees("John │ then")
    john.press(CTRL_D)
    john.ends()
    for place in (stage.home / "John" / "state").rglob("place.json"):
        kept = json.loads(place.read_text("utf-8"))
        place.write_text(json.dumps({**kept, "at": kept["at"] - A_DAY}), "utf-8")
    for part in range(1, 11):
        stage.says(room, "ci", f"part {part} of 10 is out")
    stage.says(room, "Ada", "all of it is out. 🎉")
    stage.says(room, "Ada", "@John thank you!")
    john = stage.sits("John", room, rows=24)
    john.sees("thank you")
    return at_rest(john)


def _run(stage: Stage) -> Shown:
    room = stage.room("deploys", "what goes out when")
    make = stage.home / "make"
    make.write_text("#!/bin/sh\necho 'linking… 83 %'\n[ $1 = check ] || read line\n", "utf-8")
    make.chmod(0o755)
    john = stage.sits("John", room)
    stage.says(room, "Ada", "the tests first, please")
    stage.run(room, "make", "check").wait()
    john.sees("✔")
    stage.says(room, "Ada", "and now the release")
    stage.run(room, "make", "release")
    john.press("/topic 1.4 goes out")
    john.sees("> /topic 1.4 goes out")
    john.sees(lambda rows: any(row.startswith("▶ ci") and "83 %" in row for row in rows))
    return at_rest(john)


def _pointing(stage: Stage) -> Shown:
    room = stage.room("deploys", "what goes out when")
    john = stage.sits("John", room)
    stage.says(room, "Ada", "ready to deploy?")
    stage.says(room, "Grace", "the tests are green")
    stage.says(room, "Ada", "lunch at noon?")
    john.sees("lunch at noon?")
    john.press(f"{ALT_UP}{ALT_UP}")
    john.sees(lambda rows: any(row.startswith("  ↩") and "the tests are green" in row for row in rows))
    john.press(ALT_R)
    john.sees(lambda rows: any(row.startswith("  react") and row.endswith("Esc") for row in rows))
    return at_rest(john)


def _narrow(stage: Stage) -> Shown:
    room = stage.room("deploys", "what goes out")
    other = stage.room("ops")
    john = stage.sits("John", room, other, columns=48)
    john.sees("2 #ops")
    stage.says(room, "Ada", "@john, ready to deploy? The list is in `CHANGELOG.md`")
    stage.says(room, "Ada", "then I write to everybody")
    stage.says(room, "Grace", "in 15 minutes, please")
    stage.says(other, "Eve", "@John the disk of db-2 is at 91 %")
    john.sees("!! #ops  Eve")
    john.press("at noon")
    john.sees(lambda rows: "> at noon" in rows and "2 #ops !1" in rows[-1])
    return at_rest(john)


SCENES: Final = (
    Scene("rooms", "Several rooms: Ada and John talk in one, and Eve mentions John in another", _rooms),
    Scene("back", "Coming back: a line stands above the twelve messages that are new since yesterday", _back),
    Scene("run", "A program at work: the progress of make has one row above the line, which changes in place", _run),
    Scene("pointing", "Pointing at a message: a menu of reactions above the line", _pointing),
    Scene("narrow", "A narrow window: names stand above their texts", _narrow),
)


def path_of(scene: Scene, palette: str) -> Path:
    """Where the picture is."""
    return PICTURES / f"{scene.name}-{palette}.svg"


def played(scene: Scene, server: Server, home: Path) -> Shown:
    """What the scene's terminal shows at its end."""
    with ExitStack() as stack:
        return scene.play(Stage(server, home, stack))


def main() -> None:
    """Play all scenes, and draw them."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, Server(Path(directory) / "data") as server:
        for scene in SCENES:
            home = Path(directory) / scene.name
            home.mkdir()
            what = played(scene, server, home)
            for name, palette in PALETTES.items():
                path_of(scene, name).write_text(drawn(what, palette, scene.title), "utf-8")


if __name__ == "__main__":
    main()
