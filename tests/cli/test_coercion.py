"""Words become values without pydantic, by parts of Typer that it may change: they are tested, and Typer is pinned."""

from __future__ import annotations

import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement
from typer.core import TyperArgument, TyperCommand, TyperOption

from chatty.cli.app import COMMANDS, command_group
from chatty.cli.coercion import coerce_here
from chatty.protocol import PORT
from tests.support.server import ROOT


def allowed() -> Requirement:
    """What chatty may be installed with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (typer_,) = [found for found in map(Requirement, project["dependencies"]) if found.name == "typer"]
    return typer_


def test_these_tests_run_with_a_typer_that_chatty_may_be_installed_with() -> None:
    assert version("typer") in allowed().specifier


def test_no_typer_is_allowed_that_these_tests_have_not_seen() -> None:
    major, minor, *_ = map(int, version("typer").split("."))
    assert f"{major}.{minor + 1}.0" not in allowed().specifier
    assert f"{major + 1}.0.0" not in allowed().specifier
    assert f"{major}.{minor - 1}.9" not in allowed().specifier


@pytest.mark.parametrize("name", ["chatty", *COMMANDS])
def test_every_parameter_of_every_command_is_converted_here(name: str) -> None:
    group = command_group()
    command = group if name == "chatty" else group.find(name)
    for param in command.get_params(typer.Context(command)):
        converts = getattr(param, "_runtime_param", None)
        assert type(converts).__module__ == "chatty.cli.coercion", param.name


def test_typer_has_the_parts_that_are_replaced_and_looked_at() -> None:
    group = command_group()
    for name in COMMANDS:
        command = group.find(name)
        for param in command.get_params(typer.Context(command)):
            assert isinstance(param, TyperArgument | TyperOption)
            described = param.type_descriptor
            for part in ("annotation", "is_choice", "choices", "parameter_info"):
                assert hasattr(described, part), part
            for part in ("parser", "min"):
                assert hasattr(described.parameter_info, part), part
    for kind in (TyperArgument, TyperOption):  # Typer asks for its own conversion only where there is no other
        asked = inspect.getsource(kind.get_runtime_param)
        assert "if self._runtime_param is None" in asked
        assert "self.get_runtime_param().coerce(value, param=self, ctx=ctx)" in inspect.getsource(kind.process_value)


def test_a_kind_of_value_that_is_not_known_here_is_left_to_typer() -> None:
    def command(pair: tuple[int, str]) -> None:
        """A command."""

    app = typer.Typer(add_completion=False)
    app.command()(command)
    made = typer.main.get_command(app)
    assert isinstance(made, TyperCommand)
    coerce_here(made)
    (pair,) = [param for param in made.params if isinstance(param, TyperOption | TyperArgument)]
    assert pair._runtime_param is None
    assert made.main(["1", "x"], standalone_mode=False) is None


def paths() -> list[tuple[str, str]]:
    """Every command's parameters that are files or directories."""
    group = command_group()
    params = [(name, param) for name in COMMANDS for param in group.find(name).params]
    return [
        (name, str(param.name))
        for name, param in params
        if isinstance(param, TyperOption | TyperArgument) and param.type_descriptor.annotation is Path
    ]


@pytest.mark.parametrize(("name", "path"), paths())
def test_a_tilde_is_the_home_in_every_path(name: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    command = command_group().find(name)
    (param,) = [param for param in command.params if param.name == path]
    ctx = typer.Context(command)
    for written, meant in (("~/x", "/home/ada/x"), ("~", "/home/ada"), ("./~", "~"), ("x~", "x~"), ("/~/x", "/~/x")):
        assert param.process_value(ctx, written) == Path(meant)
    with pytest.raises(typer.BadParameter, match=r"a file of that name is [.]/~nobody-is-called-so"):
        param.process_value(ctx, "~nobody-is-called-so/x")
    with pytest.raises(typer.BadParameter, match="a path can't be empty"):
        param.process_value(ctx, "")


def test_paths_are_found() -> None:
    assert {("serve", "data"), ("tail", "cursor"), ("restore", "backup"), ("restore", "data")} <= set(paths())


def settings(*arguments: str) -> dict[str, object]:
    """What `serve` makes of its command line and variables."""
    ctx = command_group().find("serve").make_context("serve", list(arguments))
    return dict(ctx.params)


def test_a_tilde_in_a_variable_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("CHATTY_DATA", "~/chat")
    assert settings()["data"] == Path("/home/ada/chat")


@pytest.mark.parametrize("address", ["tcp://10.96.0.12:8080", "udp://10.96.0.12:53", "tcp://[fd00::12]:8080"])
def test_a_services_address_in_a_variable_is_not_the_port(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("CHATTY_PORT", address)
    assert settings()["port"] == PORT
    assert settings("--port", "9000")["port"] == 9000
    with pytest.raises(typer.BadParameter, match="is not a whole number"):
        settings("--port", address)


def test_a_port_in_a_variable_is_the_port_and_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATTY_PORT", "9001")
    assert settings()["port"] == 9001
    monkeypatch.setenv("CHATTY_PORT", "http://10.96.0.12:8080")
    with pytest.raises(typer.BadParameter, match="is not a whole number"):
        settings()
