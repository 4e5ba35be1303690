"""One module a command, called as the command is. Nothing else lives here."""
