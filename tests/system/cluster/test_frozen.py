"""A node that stands still for so long that the others take it for dead."""

from __future__ import annotations

import json
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from chatty.protocol import Close
from tests.support.cluster import Cluster, check_agreement
from tests.support.faults import Peer, cut_for, eventually, figure
from tests.support.server import PATIENCE, Server

ADA, CY = "a" * 32, "c" * 32
BURST = 200
"""Messages that are sent to the node right before it freezes: some of them are under way then."""


def post_once(node: Server, room_id: str, text: str) -> int:
    """Posts ``text`` with an Idempotency-Key that is the text itself, and gives the status."""
    body = json.dumps({"participant": "CI", "text": text}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": text, "Authorization": "Bearer ci"}
    try:
        with urlopen(Request(f"{node.url}/v1/rooms/{room_id}/messages", body, headers), timeout=PATIENCE) as response:
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


def test_a_node_that_was_frozen_is_fenced_and_begins_anew_and_nothing_is_lost_or_doubled(
    cluster: Cluster, room_id: str
) -> None:
    a, c = cluster["a"], cluster["c"]
    reborn = figure(c, "chatty_log_reborn_total")
    with (
        ThreadPoolExecutor() as pool,
        Peer(a, room_id, "Ada", key=ADA) as ada,
        Peer(c, room_id, "Cy", key=CY) as cy,
        Peer(c, room_id, "Old", seed=True) as old,
    ):
        ada.until(lambda event: event.get("participant") == "Old")
        for number in range(BURST):
            cy.send(f"burst {number}")
        ada.hear("burst 0")
        c.signal(signal.SIGSTOP)
        try:
            cy.send("into the ice")
            asked = pool.submit(post_once, c, room_id, "posted into the ice")
            # Whoever has a key goes on at another node, and nobody sees them leave.
            with Peer(a, room_id, "Cy", key=CY) as back:
                back.send("here again")
                seen = ada.hear("here again")
                seen += ada.until(lambda event: event["event_type"] == "participant_left")
                assert [event["participant"] for event in seen if event["event_type"] == "participant_left"] == ["Old"]
                assert "participant_joined" not in {event["event_type"] for event in seen}
                c.signal(signal.SIGCONT)
                told, code = cy.rest()
                _, old_code = old.rest()
                posted = asked.result()
                # Its clients are sent away, and it begins anew.
                assert {code, old_code} <= {Close.GOING_AWAY, Close.GOING_AWAY}
                c.wait_ready()
        finally:
            c.signal(signal.SIGCONT)
    eventually(lambda: figure(c, "chatty_log_reborn_total") == reborn + 1, "it has begun anew once")
    assert cut_for(c, Close.GOING_AWAY) >= 2
    check_agreement(cluster)
    check_truth(told, Counter(c.texts(room_id)))
    # What was said of the request is true, too, and repeating it elsewhere doubles nothing.
    assert posted in (201, 503)
    assert Counter(c.texts(room_id))["posted into the ice"] == (posted == 201)
    assert post_once(a, room_id, "posted into the ice") == (200 if posted == 201 else 201)
    assert Counter(a.texts(room_id))["posted into the ice"] == 1
    # It serves again, as any other.
    with Peer(c, room_id, "Gus", key="g" * 32) as gus:
        gus.send("from the thawed one")
        gus.hear("from the thawed one")
    eventually(lambda: "from the thawed one" in a.texts(room_id), "the other node has it a moment later, too")


def check_truth(told: list[Any], stored: Counter[str]) -> None:
    """What the client was told of its messages is what became of them: acks and errors come in their order."""
    assert max(stored.values()) == 1
    answers = [event for event in told if event["event_type"] in ("ack", "error")]
    for number, answer in enumerate(answers):
        text = f"burst {number}" if number < BURST else "into the ice"
        if answer["event_type"] == "error":
            assert answer["code"] == "unavailable", answer
        assert stored[text] == (answer["event_type"] == "ack"), (text, answer)
