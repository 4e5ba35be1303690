"""The disks of a cluster: one that is full, and one that has lost something."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import ExitStack, closing

from chatty.protocol import Close
from tests.support.cluster import Cluster, check_agreement
from tests.support.faults import Peer, fill_disk, free_disk, post

BIG = "x" * 16_000
MARK = 64
"""Nodes compare their chains at multiples of this position."""
SLACK = 4.0
"""What the promised seconds are multiplied by, because the processors have other things to do."""


def test_when_one_nodes_disk_is_full_its_members_go_elsewhere_and_afterwards_all_nodes_have_the_same(
    cluster: Cluster, room_id: str
) -> None:
    a, c = cluster["a"], cluster["c"]
    with ExitStack() as stack:
        ada = stack.enter_context(Peer(a, room_id, "Ada", key="a" * 32))
        cy = stack.enter_context(Peer(c, room_id, "Cy", key="c" * 32))
        old = stack.enter_context(Peer(c, room_id, "Old", seed=True))
        fill_disk(c, 100_000)
        try:
            texts = []
            for number in range(40):
                texts.append(f"{number} {BIG}")
                ada.send(texts[-1])
                ada.hear(texts[-1])
            full = time.monotonic()
            # Nobody is told that nothing was stored: elsewhere, it was.
            told, code = cy.rest()
            assert code == Close.GOING_AWAY
            assert not [event for event in told if event["event_type"] == "error"]
            assert old.rest()[1] == Close.GOING_AWAY
            back = stack.enter_context(Peer(cluster["b"], room_id, "Cy", key="c" * 32))
            back.send("here I am")
            ada.hear("here I am")
            assert time.monotonic() - full <= 2.0 * SLACK
            assert post(c, room_id, "no") == 503
            assert post(a, room_id, "yes") == 201
        finally:
            free_disk(c)
        c.wait_ready()
        check_agreement(cluster)
        assert c.texts(room_id) == [*texts, "here I am", "yes"]


def test_a_node_whose_database_lost_a_row_stops_alone_and_says_so(cluster: Cluster, room_id: str) -> None:
    a, b, c = (cluster[name] for name in "abc")
    for number in range(3):
        post(a, room_id, f"line {number}")
    check_agreement(cluster)
    c.stop()
    with closing(sqlite3.connect(c.data / "chatty.db")) as db:
        db.execute("DELETE FROM events WHERE key = (SELECT max(key) FROM events)")
        db.commit()
    c.start()
    with Peer(a, room_id, "Ada", key="a" * 32) as ada:
        for number in range(MARK + 1):  # each is an envelope of its own
            ada.send(f"more {number}")
            ada.hear(f"more {number}")
        compared = time.monotonic()
        assert c.wait() == 1
        assert time.monotonic() - compared <= 2.0 * SLACK
        assert "this node's state differs from that of a, b, who are more" in c.log
        assert "move its data directory away and start it" in c.log
        # The others go on.
        ada.send("and on")
        ada.hear("and on")
    assert a.running
    assert b.running
    assert "and on" in b.texts(room_id)
    # What the hint says mends it.
    shutil.move(c.data, c.data.with_name("c-damaged"))
    c.start()
    check_agreement(cluster)
