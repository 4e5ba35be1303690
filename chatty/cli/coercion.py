"""Converts the words of a command line into values, without pydantic.

Typer uses pydantic for that, whose import alone takes longer than most of
these commands. A command's parameters are texts, numbers, paths, flags
and choices; Typer lets a parameter bring its own conversion, and where it should
some day no longer do so, its own is used again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from chatty.cli.paths import as_path

__all__ = ["coerce_here"]

_FLAGS: Final = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    try:
        return _FLAGS[str(value).strip().lower()]
    except KeyError:
        raise ValueError(value) from None


def _utf8(value: str) -> str:
    value.encode()  # UnicodeEncodeError is a ValueError
    return value


def _path(value: Any) -> Path:
    try:
        return as_path(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


_TYPES: Final[dict[Any, tuple[Callable[[Any], Any], str]]] = {
    str: (_utf8, "UTF-8"),
    list[str]: (_utf8, "UTF-8"),
    int: (int, "a whole number"),
    list[int]: (int, "a whole number"),
    float: (float, "a number"),
    bool: (_flag, "yes or no"),
    Path: (_path, "a path"),
}


def _is_an_address_of_a_service(value: Any) -> bool:
    """Whether ``value`` is what Kubernetes and Docker put into CHATTY_PORT where a service is called "chatty"."""
    return isinstance(value, str) and re.match("(tcp|udp|sctp)://", value) is not None


def _is_a_variable(param: Any, ctx: typer.Context) -> bool:
    source = ctx.get_parameter_source(param.name)
    return source is not None and source.name == "ENVIRONMENT"


def _one_of(choices: Sequence[str]) -> Callable[[Any], Any]:
    named = {str(choice): choice for choice in choices}  # of an enum its members, of a Literal texts

    def convert(value: Any) -> Any:
        if value not in named:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(named)}")
        return named[value]

    return convert


class _Coercion:
    def __init__(self, convert: Callable[[Any], Any], what: str) -> None:
        self._convert = convert
        self._what = what

    def coerce(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        """The value of ``param``. Raises BadParameter, which names it."""
        if _is_an_address_of_a_service(value) and _is_a_variable(param, ctx):
            value = param.get_default(ctx)
        if value is None:
            return () if self._repeated(param) else None
        if self._repeated(param):
            return tuple(self._one(item, param, ctx) for item in value)
        return self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        try:
            converted = self._convert(value)
        except UnicodeError:
            raise typer.BadParameter(f"{value!r} is not UTF-8", ctx=ctx, param=param) from None
        except ValueError:
            raise typer.BadParameter(f"{value!r} is not {self._what}", ctx=ctx, param=param) from None
        except typer.BadParameter as error:
            raise typer.BadParameter(error.message, ctx=ctx, param=param) from None
        least = param.type_descriptor.parameter_info.min
        if least is not None and converted < least:
            raise typer.BadParameter(f"{value} is less than {least}", ctx=ctx, param=param)
        return converted

    @staticmethod
    def _repeated(param: Any) -> bool:
        return bool(param.multiple or param.nargs == -1)


def coerce_here(command: TyperCommand | TyperGroup) -> None:
    """Give ``command``'s parameters conversions that cost no import, but for kinds that are not known here."""
    # With -h and --help, which the command makes itself, by its settings.
    for param in command.get_params(typer.Context(command, **command.context_settings)):
        described: Any = getattr(param, "type_descriptor", None)
        if described is None:
            continue
        parser = described.parameter_info.parser
        kind = described.annotation
        if kind == list[str] and param.nargs == -1:  # a text, which is repaired, or a command, which gets any bytes
            param._runtime_param = _Coercion(str, "a text")  # type: ignore[attr-defined]
        elif parser is not None:
            param._runtime_param = _Coercion(parser, "a possible value")  # type: ignore[attr-defined]
        elif described.is_choice and (get_origin(kind) is Literal or issubclass(kind, StrEnum)):
            param._runtime_param = _Coercion(_one_of(described.choices), "choice")  # type: ignore[attr-defined]
        elif kind in _TYPES:
            param._runtime_param = _Coercion(*_TYPES[kind])  # type: ignore[attr-defined]
