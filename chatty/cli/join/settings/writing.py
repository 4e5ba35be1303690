"""Changes config.toml for ``/set``. Comments, order and a symbolic link stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatty.cli.config import parsed
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure
from chatty.cli.join.settings import reading
from chatty.cli.join.settings.table import Value
from chatty.cli.private_files import locked, write_private

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Array

__all__ = ["write"]


def write(file: Path, path: reading.Path, name: str, value: Value | None) -> dict[str, Any]:
    """Set ``name`` in the table at ``path`` of ``file``, or remove it if ``value`` is None. Gives what it says now.

    Raises OSError, and Failure if the file is not TOML or can't be changed
    safely: then it stays as it is.
    """
    with locked(file):
        target = file.resolve()  # else a link would be replaced by a file
        try:
            before = target.read_bytes()
        except FileNotFoundError:
            before = b""
        now = _changed(parsed(file, before), path, name, value)
        after = _amended(before.decode(), path, name, value).encode()
        if parsed(file, after) != now:
            hint = f"write it there yourself: {name} in {reading.header(path)}"
            raise Failure(ExitStatus.FAILED, "failed", f"{file} can't be changed without damage", hint)
        if after != before:
            write_private(target, after)
        return now


def _changed(config: dict[str, Any], path: reading.Path, name: str, value: Value | None) -> dict[str, Any]:
    """``config`` as it has to be afterwards, whatever the text looks like."""
    table: Any = config
    for key in path:
        if not isinstance(table, dict):
            raise _not_a_table(path)
        if key not in table and value is None:
            return config
        table = table.setdefault(key, {})
    if not isinstance(table, dict):
        raise _not_a_table(path)
    if value is None:
        table.pop(name, None)
    else:
        table[name] = list(value) if isinstance(value, tuple) else value
    return config


def _not_a_table(path: reading.Path) -> Failure:
    return Failure(
        ExitStatus.FAILED, "failed", f"{reading.header(path)} in config.toml is not a table", "mend it there"
    )


def _amended(text: str, path: reading.Path, name: str, value: Value | None) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        new = _amend(document, path, name, value)
        amended = tomlkit.dumps(document)
    except (TOMLKitError, ValueError):  # what it can't do, and what its own result says
        return text
    return amended.rstrip("\n") + "\n" if new else amended


def _amend(document: TOMLDocument, path: reading.Path, name: str, value: Value | None) -> bool:
    """Change ``document``. Gives whether there is a new table."""
    import tomlkit
    from tomlkit.items import Array, InlineTable, Table

    table: Any = document
    new = False
    for depth, key in enumerate(path, 1):
        if key not in table:
            if value is None:
                return False
            inline = isinstance(table, InlineTable)
            table[key] = tomlkit.inline_table() if inline else tomlkit.table(is_super_table=depth < len(path))
            new = not inline
        table = table[key]
    if value is None:
        table.pop(name, None)
    elif isinstance(value, tuple) and isinstance(old := table.get(name), Array):
        _replace(old, value)
    else:
        table[name] = list(value) if isinstance(value, tuple) else value
    if new and isinstance(table, Table):
        table.add(tomlkit.nl())  # before the table that follows
    return new


def _replace(array: Array, value: tuple[str, ...]) -> None:
    """Make ``array`` hold ``value``; what stays keeps its comments."""
    for one in [*array.unwrap()]:
        if one not in value:
            array.remove(one)
    for one in value:
        if one not in array:
            array.append(one)
    if tuple(array.unwrap()) != value:
        array.clear()
        array.extend(value)
