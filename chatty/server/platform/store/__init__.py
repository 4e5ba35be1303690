"""The state in SQLite: applying entries, reading, searching, checking and restoring. Nothing else knows ``sqlite3``."""
