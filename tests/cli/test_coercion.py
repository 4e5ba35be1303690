"""Words become values without pydantic, by parts of Typer that it may change: they are tested, and Typer is pinned."""

from __future__ import annotations

import inspect
import tomllib
from importlib.metadata import version

import pytest
import typer
from packaging.requirements import Requirement
from typer.core import TyperArgument, TyperCommand, TyperOption

from chatty.cli.app import COMMANDS, command_group
from chatty.cli.coercion import coerce_here
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
    command = group if name == "chatty" else group.commands[name]
    for param in command.get_params(typer.Context(command)):
        converts = getattr(param, "_runtime_param", None)
        assert type(converts).__module__ == "chatty.cli.coercion", param.name


def test_typer_has_the_parts_that_are_replaced_and_looked_at() -> None:
    group = command_group()
    for name in COMMANDS:
        command = group.commands[name]
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
