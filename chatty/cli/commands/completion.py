"""``chatty completion``: what a shell needs to complete commands, options and rooms' names."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from chatty.cli.options import environment

EXAMPLES: Final = (
    'eval "$(chatty completion bash)"  # in ~/.bashrc',
    'eval "$(chatty completion zsh)"   # in ~/.zshrc, below compinit',
    "chatty completion fish > ~/.config/fish/completions/chatty.fish",
)

# Each hands the line up to the cursor to chatty.cli.completion.shells, and shows what that offers.

_BASH: Final = r"""
_chatty() {
    local said
    COMPREPLY=()
    while IFS= read -r said; do
        case $said in
            files) compopt -o default 2>/dev/null ;;
            =*) COMPREPLY+=("${said#=}") ;;
        esac
    done < <(_CHATTY_COMPLETE=bash "$1" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -F _chatty chatty
"""

# '=' has quotes: zsh takes a bare =* for the path of a command called *.
_ZSH: Final = r"""
#compdef chatty
_chatty() {
    local said files=
    local -a offers
    while IFS= read -r said; do
        case $said in
            files) files=1 ;;
            '='*) offers+=("${said#=}") ;;
        esac
    done < <(_CHATTY_COMPLETE=zsh chatty "${(j: :)words[1,CURRENT-1]} $QIPREFIX$IPREFIX$PREFIX" 2>/dev/null)
    if [[ -n $files ]]; then
        [[ $PREFIX == --*=* ]] && compset -P 1 '*='
        _files
    elif (( $#offers )); then
        _describe chatty offers
    fi
}
if [[ $funcstack[1] == _chatty ]]; then
    _chatty "$@"
else
    compdef _chatty chatty
fi
"""

_FISH: Final = r"""
function __chatty_offers
    for said in (env _CHATTY_COMPLETE=fish chatty (string join ' ' -- (commandline -cp)) 2>/dev/null)
        switch $said
            case files
                set -l word (commandline -ct)
                set -l option (string match -r -- '^--[^=]+=' $word)
                for path in (__fish_complete_path (string replace -r -- '^--[^=]+=' '' $word))
                    echo "$option$path"
                end
            case '=*'
                string sub -s 2 -- $said
        end
    end
end
complete -c chatty -f -a '(__chatty_offers)'
"""

_SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


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
    environment(ctx).out(_SCRIPTS[shell].strip())
    return 0
