"""The settings of the interactive client: ``[join]`` in config.toml, and ``/set``.

The `table` says which there are, `reading` checks the file's tables, `writing`
changes it, and `preferences` has what is in force in one room, and changes it.
"""
