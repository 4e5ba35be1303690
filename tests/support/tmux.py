"""People at terminals: a shell in tmux for each, with keys to press and screens to compare."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.server import PATIENCE, ROOT, environment
from tests.support.shell import CHATTY

SCREENS = ROOT / "docs/screens.md"
COLUMNS, ROWS = 78, 16


def _line(row: str) -> str:
    """``row`` with the number of a line of output, if that has three digits, always the same."""
    return re.sub(r"(?<=[\[_])1\d\d\b", "142", row)


_CHANGING: Final[Sequence[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]] = (
    (re.compile(r"(^|(?<= since )|(?<= \())\d\d:\d\d", re.MULTILINE), "12:00"),
    (re.compile(r"^── \w+ \d+ \w+ \d{4} ──$", re.MULTILINE), "── Monday 23 November 2026 ──"),
    (re.compile(r"◐ connecting|○ reconnecting (in \d+ s|now) \(\d+\)"), "○ reconnecting in 4 s (3)"),
    (re.compile(r"/tmp/\S+"), "/tmp/draft.md"),
    (re.compile(r"(?<=^▶ ci ).*", re.MULTILINE), lambda row: re.sub(r"\b\d\d s\b", "43 s", _line(row[0]))),
    (re.compile(r"(?<=\bmin )\d+(?= s\b)"), "2"),
    (re.compile(r"(?<=/show )\d{3}$", re.MULTILINE), "188"),
)


class Tmux:
    """A tmux server of its own. `person` opens a window with a shell; all of them end with this."""

    def __init__(self, directory: Path, url: str) -> None:
        self._socket = directory / "tmux"
        self._directory = directory
        self._url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self("kill-server")

    def __call__(self, *command: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", "/dev/null", *command],
            capture_output=True, text=True, check=False, env=environment(LC_ALL="C.UTF-8"), timeout=PATIENCE,
        )  # fmt: skip
        return done.stdout

    def person(self, name: str, **variables: str) -> Person:
        """Somebody at a shell, with a home of their own."""
        home = self._directory / name
        home.mkdir()
        settings = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "CHATTY_SERVER": self._url,
            "CHATTY_NAME": name,
            "PATH": f"{CHATTY.parent}:{os.environ['PATH']}",
            "PS1": "$ ",
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "TERM": "tmux-256color",
            **variables,
        }
        given = [f"{key}={value}" for key, value in settings.items()]
        self(
            "new-session", "-d", "-s", name, "-x", str(COLUMNS), "-y", str(ROWS),
            "env", "-u", "NO_COLOR", "-u", "FORCE_COLOR", "-u", "ENV", *given, "/bin/sh", "-i",
        )  # fmt: skip
        person = Person(self, name)
        person.sees("$")
        return person


class Person:
    """Presses keys, and sees a screen."""

    def __init__(self, tmux: Tmux, name: str) -> None:
        self.name = name
        self._tmux = tmux

    def types(self, text: str) -> None:
        """Types ``text`` as it is."""
        self._tmux("send-keys", "-t", self.name, "-l", text)

    def press(self, *keys: str) -> None:
        """Presses keys by tmux's names for them: ``Enter``, ``C-c``, ``Tab``, ``M-Enter``."""
        self._tmux("send-keys", "-t", self.name, *keys)

    def says(self, line: str) -> None:
        """Types a line and sends it."""
        self.types(line)
        self.press("Enter")

    def pastes(self, text: str) -> None:
        """Pastes ``text``, as terminals do."""
        self._tmux("set-buffer", "-b", self.name, text)
        self._tmux("paste-buffer", "-p", "-b", self.name, "-t", self.name)

    def resize(self, columns: int, rows: int = ROWS) -> None:
        """Gives the window another size."""
        self._tmux("resize-window", "-t", self.name, "-x", str(columns), "-y", str(rows))

    def joins(self, room: str) -> None:
        """Runs ``chatty join``."""
        self.says(f"clear; chatty join {room}")
        self.sees("● connected")

    @property
    def title(self) -> str:
        """What the window is called."""
        return self._tmux("display-message", "-p", "-t", self.name, "#{pane_title}").rstrip("\n")

    @property
    def screen(self) -> str:
        """What is to be seen, with times and the like always the same."""
        return settled(self._tmux("capture-pane", "-p", "-t", self.name))

    @property
    def all(self) -> list[str]:
        """The rows of the screen and of all that was scrolled away."""
        return settled(self._tmux("capture-pane", "-p", "-S", "-", "-t", self.name)).splitlines()

    @property
    def rows(self) -> list[str]:
        """The rows of the screen."""
        return self.screen.splitlines()

    def sees(self, what: str | Callable[[list[str]], bool]) -> list[str]:
        """Waits until ``what`` is on the screen, or true of its rows, and gives them."""
        holds = what if callable(what) else lambda rows: what in "\n".join(rows)
        deadline = time.monotonic() + PATIENCE
        while not holds(rows := self.rows):
            assert time.monotonic() < deadline, f"{self.name} does not see {what}:\n" + "\n".join(rows)
            time.sleep(0.02)
        return rows

    def looks(self, title: str, what: str | Callable[[list[str]], bool]) -> None:
        """Waits for ``what``, and compares the screen with the one of that ``title`` in docs/screens.md."""
        self.sees(what)
        if os.environ.get("WRITE_SCREENS"):
            time.sleep(0.5)  # for a person who looks at the difference afterwards
            _write(title, self.screen)
        expected = documented().get(title)
        deadline = time.monotonic() + PATIENCE
        while self.screen != expected:
            assert time.monotonic() < deadline, f"not as in {SCREENS.name}, {title!r}:\n{self.screen}\n---\n{expected}"
            time.sleep(0.02)


def documented() -> dict[str, str]:
    """The screens of docs/screens.md by their titles."""
    section = r"^## (.+?)\n\n(?:(?!^## ).)*?```text\n(.*?)\n```$"
    return dict(re.findall(section, SCREENS.read_text("utf-8"), re.MULTILINE | re.DOTALL))


def _write(title: str, screen: str) -> None:
    text = SCREENS.read_text("utf-8")
    before, found, after = text.partition(f"## {title}\n")
    if not found:
        SCREENS.write_text(f"{text.rstrip()}\n\n## {title}\n\n```text\n{screen}\n```\n", "utf-8")
        return
    head, _, rest = after.partition("```text\n")
    tail = rest.partition("\n```\n")[2]
    SCREENS.write_text(f"{before}{found}{head}```text\n{screen}\n```\n{tail}", "utf-8")


def settled(screen: str) -> str:
    """``screen`` with times and the like always the same."""
    for changing, always in _CHANGING:
        screen = changing.sub(always, screen)
    return "\n".join(row.rstrip() for row in screen.splitlines()).rstrip()
