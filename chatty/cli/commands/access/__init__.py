"""The commands about access, one file each, called as the command is."""
