"""Ids of connections, which show their node and that node's incarnation."""

from __future__ import annotations


def connection_id(node: str, incarnation: str, number: int) -> str:
    """A connection's id, which shows its node and that node's incarnation."""
    return f"{node}/{incarnation}/{number}"


def is_from(connection: str, node: str) -> bool:
    """Whether a connection belongs, or belonged, to ``node``."""
    return connection.startswith(node + "/")


def is_of_incarnation(connection: str, node: str, incarnation: str) -> bool:
    """Whether a connection belongs to ``node``'s incarnation ``incarnation``."""
    return connection.startswith(f"{node}/{incarnation}/")
