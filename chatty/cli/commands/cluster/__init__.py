"""The commands about servers on several machines, one file each, called as the command is."""
