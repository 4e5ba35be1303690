"""What is released: a wheel that installs into an empty environment, and sources from which all tests run."""

from __future__ import annotations

import os
import sys
import tarfile
import tomllib
import venv
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from trove_classifiers import classifiers

from chatty._version import __version__
from tests.cli.user import User
from tests.packaging.building import COMPLETIONS, DISTRIBUTION, ELSEWHERE, WHEEL, build, contents, expected, run
from tests.support.server import ROOT, Server

FOLDERS = (".ci", "benchmarks", "chatty", "docs", "examples", "tests")
FILES = (".dockerignore", "Dockerfile", "Makefile", "pyproject.toml", "requirements.lock", "requirements-test.lock")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that has the wheel and the source distribution."""
    directory = tmp_path_factory.mktemp("dist")
    build(ROOT, directory)
    return directory


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return built / WHEEL


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"{DISTRIBUTION}.dist-info/METADATA").decode())


@pytest.fixture(scope="module")
def sources(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    directory = tmp_path_factory.mktemp("sources")
    with tarfile.open(built / f"{DISTRIBUTION}.tar.gz") as archive:
        archive.extractall(directory, filter="data")
    return directory / DISTRIBUTION


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that had nothing in it, not even pip, and into which the wheel was installed."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, symlinks=True)
    asking = {**os.environ, "PYTHONPATH": ""}  # it trusts the authorities that this machine trusts
    what = ("--quiet", "--constraint", ROOT / "requirements.lock", wheel)
    try:
        run(Path(sys.executable).with_name("uv"), "pip", "install", "--python", directory, *what, env=asking)
    except (OSError, AssertionError):  # as in the Makefile: pip takes longer, and knows of more places for packages
        pip = (sys.executable, "-m", "pip", "--python", directory, "--disable-pip-version-check")
        run(*pip, "install", "--no-compile", *what, env=asking)
    return directory


@pytest.fixture(scope="module")
def chatty(installed: Path) -> str:
    return str(installed / "bin/chatty")


# --- the wheel ----------------------------------------------------------------------------------------------


def test_it_is_called_chatty_rooms_and_says_what_it_is(metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("chatty-rooms", __version__)
    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")
    assert metadata["Requires-Python"] == ">=3.11"
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))
    assert urls.keys() == {"Homepage", "Documentation", "Changelog", "Source", "Issues"}
    assert all(url.startswith("https://") for url in urls.values())
    claimed = set(metadata.get_all("Classifier", []))
    assert claimed <= set(classifiers)
    assert {line.rpartition(" ")[2] for line in claimed if line.startswith("Programming Language")} >= {"3.11"}


def test_it_has_the_package_and_what_is_shared_and_nothing_else(wheel: Path) -> None:
    assert contents(wheel) == expected()


def test_installed_it_serves_a_room_in_which_is_sent_and_read(chatty: str, tmp_path: Path) -> None:
    with (
        Server(tmp_path / "data", program=[chatty], env={"PYTHONPATH": ""}) as server,
        User(tmp_path / "home", server.url, [chatty]) as user,
    ):
        user.env["PYTHONPATH"] = ""
        assert user.says("--version") == f"chatty {__version__}\n"
        user.run("create", "general")
        user.run("send", "general", said=b"one\ntwo\n")
        assert [event["text"] for event in user.events("general", "-n", "2")] == ["one", "two"]
        assert server.stop() == 0


def test_installed_it_is_known_by_its_name_and_whole(installed: Path) -> None:
    python = installed / "bin/python"
    asked = "from importlib.metadata import version; import chatty; print(version('chatty-rooms'), chatty.__file__)"
    told, home = run(python, "-c", asked, cwd=installed).split()
    assert told == __version__
    assert Path(home).is_relative_to(installed)
    assert not run(sys.executable, "-m", "pip", "--python", python, "check").strip().endswith("conflict")


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_a_shells_completion_is_installed_as_the_command_prints_it(installed: Path, chatty: str, shell: str) -> None:
    assert (installed / COMPLETIONS[shell]).read_text("utf-8") == run(chatty, "completion", shell)


def test_the_manual_page_is_installed(installed: Path) -> None:
    assert (installed / "share/man/man1/chatty.1").read_bytes() == (ROOT / "docs/chatty.1").read_bytes()


def test_shells_find_their_completion_where_it_is_installed(installed: Path, chatty: str, tmp_path: Path) -> None:
    home = {**ELSEWHERE, "HOME": str(tmp_path), "PATH": f"{Path(chatty).parent}:{os.environ['PATH']}"}
    bash = f"source {installed}/{COMPLETIONS['bash']}; complete -p chatty"
    assert run("bash", "--norc", "-c", bash, env=home) == "complete -F _chatty chatty\n"
    zsh = f"fpath=({installed}/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D"
    assert run("zsh", "-f", "-c", f"{zsh}; print $_comps[chatty]", env=home) == "_chatty\n"
    fish = {**home, "XDG_DATA_DIRS": f"{installed}/share:/usr/local/share:/usr/share"}
    found = run("fish", "-c", "complete --do-complete 'chatty sen'", env=fish)
    assert found.startswith("send\t")


# --- the sources --------------------------------------------------------------------------------------------


def test_a_wheel_that_is_built_from_the_sources_is_the_same(sources: Path, wheel: Path, tmp_path: Path) -> None:
    build(sources, tmp_path)
    with ZipFile(wheel) as one, ZipFile(tmp_path / wheel.name) as other:
        record = f"{DISTRIBUTION}.dist-info/RECORD"  # every file's hash
        assert sorted(one.read(record).splitlines()) == sorted(other.read(record).splitlines())


def test_the_sources_have_all_that_the_tests_and_make_need(sources: Path) -> None:
    needed = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    needed += [ROOT / name for name in FILES]
    for path in needed:
        copy = sources / path.relative_to(ROOT)
        if path.is_file():
            assert copy.read_bytes() == path.read_bytes()
            assert os.access(copy, os.X_OK) == os.access(path, os.X_OK)


def test_make_and_the_tests_run_in_the_sources(sources: Path) -> None:
    assert "make test" in run("make", cwd=sources)
    env = {**ELSEWHERE, "PYTHONDONTWRITEBYTECODE": "1"}
    reads_most = "tests/test_docs.py"  # of what is not code
    run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", reads_most, cwd=sources, env=env)


# --- what both are made from --------------------------------------------------------------------------------


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def pins(file: str) -> Iterator[Requirement]:
    for line in (ROOT / file).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            yield Requirement(line)


def test_the_tests_build_with_what_a_release_is_built_with() -> None:
    (needed,) = project()["build-system"]["requires"]  # type: ignore[index]
    assert needed == f"hatchling=={version('hatchling')}"


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_file_pins_versions_and_names_no_place_to_get_them(file: str) -> None:
    found = list(pins(file))  # each line is a requirement, and so no option
    assert found
    for pin in found:
        assert pin.url is None
        assert [specifier.operator for specifier in pin.specifier] == ["=="]


def test_the_tests_run_with_what_is_served_with() -> None:
    tested = {pin.name: pin.specifier for pin in pins("requirements-test.lock")}
    assert {pin.name: tested[pin.name] for pin in pins("requirements.lock")} == {
        pin.name: pin.specifier for pin in pins("requirements.lock")
    }
