# Hands the line up to the cursor to chatty, and shows what that offers.
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
