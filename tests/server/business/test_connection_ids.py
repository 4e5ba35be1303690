"""Whose a connection is, as its id shows."""

from __future__ import annotations

from chatty.server.business.connection_ids import connection_id, is_from, is_of_incarnation


def test_a_connection_shows_its_node_and_that_nodes_incarnation() -> None:
    connection = connection_id("node", "one", 7)
    assert connection == "node/one/7"
    assert (is_from(connection, "node"), is_from(connection, "nod")) == (True, False)
    assert [is_of_incarnation(connection, "node", which) for which in ("one", "on", "two")] == [True, False, False]
    assert not is_of_incarnation(connection, "other", "one")
