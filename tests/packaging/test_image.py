"""The container's image has what the wheel is made from, and runs as its settings say."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.packaging.building import WHEEL, build, contents, expected
from tests.support.server import CHATTY, PATIENCE, ROOT, environment, free_port


def instructions() -> Iterator[tuple[str, str]]:
    """The Dockerfile's, each with its arguments."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, arguments = line.partition(" ")
            yield word, arguments


def copied() -> Iterator[tuple[str, str]]:
    """What comes from the sources, and where it goes."""
    for word, arguments in instructions():
        if word == "COPY" and not arguments.startswith("--from"):
            *names, target = shlex.split(arguments)
            yield from ((name, target) for name in names)


def test_everything_that_is_copied_gets_past_dockerignore() -> None:
    kept = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()]
    assert "*" in kept  # first nothing, then what is named
    assert {name for name, _ in copied()} <= set(kept)


def test_the_wheel_that_the_image_builds_lacks_nothing(tmp_path: Path) -> None:
    sources = tmp_path / "src"
    for name, target in copied():
        into = sources / target / (Path(name).name if target.endswith("/") else "")
        into.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, into)
    build(sources, tmp_path / "dist", "--target", "wheel")
    assert contents(tmp_path / "dist" / WHEEL) == expected()


# --- what the image runs ------------------------------------------------------------------------------------


def of(word: str) -> str:
    """The arguments of the image's last instruction that is called so."""
    return [arguments for name, arguments in instructions() if name == word][-1]


def command(word: str) -> list[str]:
    """What an instruction runs."""
    words: list[str] = json.loads(of(word).partition("CMD ")[2] if word == "HEALTHCHECK" else of(word))
    return words


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The image's, with a directory of the test's own for the volume."""
    pairs = dict(
        pair.split("=", 1) for name, arguments in instructions() if name == "ENV" for pair in arguments.split()
    )
    volume = of("VOLUME")
    (tmp_path / "volume").mkdir()
    moved = {name: value.replace(volume, f"{tmp_path}/volume") for name, value in pairs.items() if name != "PATH"}
    assert moved["CHATTY_DATA"] == f"{tmp_path}/volume"
    return environment(**moved)


def test_it_starts_a_server_for_others_with_the_data_in_the_volume(variables: dict[str, str]) -> None:
    assert [*command("ENTRYPOINT"), *command("CMD")] == ["chatty", "serve"]
    port = free_port()
    with running(variables, "--port", str(port)) as said:
        assert said == f"chatty listens on http://0.0.0.0:{port}, and keeps everything in {variables['CHATTY_DATA']}\n"


def test_what_commands_remember_lies_in_the_volume(variables: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    with running(variables, "--port", str(port)):
        create = [*CHATTY, "create", "general", "--server", f"http://127.0.0.1:{port}"]
        subprocess.run(create, env={**variables, "HOME": str(tmp_path)}, cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / "volume/state/chatty/rooms.json").is_file()


@pytest.mark.parametrize(
    "how",
    [
        ([], {"CHATTY_PORT": "PORT"}),
        (["--port", "PORT"], {}),
        (["--port", "PORT"], {"CHATTY_PORT": "tcp://10.96.0.12:8080"}),
        (["--port", "PORT", "--host", "127.0.0.1"], {}),
        (["--allowed-host", "chat.example.org"], {"CHATTY_PORT": "PORT"}),
        ([], {"CHATTY_PORT": "PORT", "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}),
    ],
)
def test_its_health_check_follows_the_servers_settings(
    variables: dict[str, str], how: tuple[list[str], dict[str, str]]
) -> None:
    port = str(free_port())
    options = [port if word == "PORT" else word for word in how[0]]
    variables |= {name: port if value == "PORT" else value for name, value in how[1].items()}
    check = [sys.executable, *command("HEALTHCHECK")[1:]]
    assert command("HEALTHCHECK")[:3] == ["python", "-m", "chatty"]
    with running(variables, *options):
        done = subprocess.run(check, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stdout) == (0, f"the server at http://127.0.0.1:{port} is healthy\n"), done.stderr
    assert subprocess.run(check, env=variables, cwd=ROOT, capture_output=True, timeout=PATIENCE).returncode == 1


@contextmanager
def running(variables: dict[str, str], *options: str) -> Iterator[str]:
    """The image's command with more options, while it runs; gives its first line."""
    serve = [*CHATTY, *command("CMD"), *options]
    with subprocess.Popen(serve, env=variables, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline()
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
