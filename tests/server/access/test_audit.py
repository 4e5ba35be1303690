"""The audit log outlives the room: administrators read it when everything else of the room is forgotten."""

from __future__ import annotations

from pathlib import Path

from chatty.server.business.entries import CloseRoom, CreateRoom, PurgeRoom, Restrict, Target
from chatty.server.business.rights import OPERATOR, OWNER
from chatty.server.platform.store.applying import Store
from tests.server.asking import ask, refusal
from tests.support.server import Server

ROOM, QUIET, AT = "2SzErhA2PvYGjf4PQ4pvTh9BfE0", "2SzErhA2PvYGjf4PQ4pvTh9BfE1", 1_700_000_000_000


def forgotten(data: Path) -> None:
    """Two rooms were closed and forgotten. In one of them somebody was banned."""
    data.mkdir()
    store = Store(data / "chatty.db", on_error=lambda _: None)
    store.open()
    for room in (ROOM, QUIET):
        store.apply([CreateRoom(room, AT, "old", "", "epoch", b"o" * 32)])
    store.apply([Restrict(ROOM, AT, OPERATOR, "r1", Target("Eve", "eve"), OWNER, reason="spam")])
    for room in (ROOM, QUIET):
        store.apply([CloseRoom(room, AT, OPERATOR), PurgeRoom(room, AT, AT)])
    store.close()


def test_the_operator_reads_the_log_of_a_forgotten_room_and_nobody_else_does(tmp_path: Path) -> None:
    forgotten(tmp_path / "data")
    with Server(tmp_path / "data") as server:
        (entry,) = server.operate("GET", f"/v1/rooms/{ROOM}/audit?after=0")["entries"]
        assert (entry["what"], entry["whom"], entry["reason"]) == ("banned", "Eve", "spam")
        for headers in ({}, {"Authorization": f"Bearer {'k' * 43}"}):
            answer = ask(server, "GET", f"/v1/rooms/{ROOM}/audit", None, headers)
            never = ask(server, "GET", f"/v1/rooms/{QUIET}/audit", None, headers)
            assert refusal(answer) == refusal(never) == (404, "room_not_found")
            assert answer.body == never.body
        both = ask(server, "GET", f"/v1/rooms/{ROOM}/audit?after=1&before=2")
        assert refusal(both) == (404, "room_not_found")
