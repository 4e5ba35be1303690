"""``chatty completion``: prints a shell's completion script."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.options import environment

EXAMPLES: Final = (
    'eval "$(chatty completion bash)"  # in ~/.bashrc',
    'eval "$(chatty completion zsh)"   # in ~/.zshrc, below compinit',
    "chatty completion fish > ~/.config/fish/completions/chatty.fish",
)

_SCRIPTS: Final = {"bash": "chatty.bash", "zsh": "_chatty", "fish": "chatty.fish"}
"""Files of chatty/cli/completion/scripts. A wheel also installs them where the shells look by themselves."""


def _shell(text: str) -> str:
    if text not in _SCRIPTS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(_SCRIPTS)}")
    return text


def _shells() -> list[str]:
    return list(_SCRIPTS)


def command(
    ctx: typer.Context,
    shell: Annotated[
        str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.", parser=_shell, autocompletion=_shells)
    ],
) -> int:
    """Print a shell's completion script.

    It completes commands, options, files, and the names of rooms, servers and
    profiles that are known on this machine. No server is asked.
    """
    from importlib.resources import files

    script = files("chatty.cli.completion") / "scripts" / _SCRIPTS[shell]
    environment(ctx).out(script.read_text("utf-8").rstrip("\n"))
    return 0
