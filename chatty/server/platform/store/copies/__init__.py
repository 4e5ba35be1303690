"""Copies of the database: backups, what is restored from them, and snapshots for the nodes of a cluster."""
