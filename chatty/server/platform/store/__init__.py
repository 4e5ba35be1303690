"""The state in SQLite: applying, reading, searching, checking and restoring it. Only this package knows ``sqlite3``."""
