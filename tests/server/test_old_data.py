"""Data that an earlier version left is opened as it is, and rooms go on where they were."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from chatty.events import milliseconds
from chatty.server.platform.store import doctor
from tests.server.asking import ask, refusal
from tests.support import old_data
from tests.support.clock import Clock
from tests.support.faults import eventually
from tests.support.old_data import (
    ADAS_KEY,
    BOBS_KEY,
    CLOSED_AHEAD,
    KEPT,
    LATE,
    MADE_AHEAD,
    OVER,
    SCRIPTS_KEY,
    SCRIPTS_PRODUCER,
    WORK,
    OldRoom,
)
from tests.support.server import Server
from tests.support.wire import Wire


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    scratch = tmp_path_factory.mktemp("old")
    data = old_data.lay_down(scratch / "data")
    assert doctor.check(data) == []
    with Server(data, env=Clock(scratch / "clock").env) as running:
        yield running
        running.stop()
    assert doctor.check(data) == []


def say(server: Server, room: OldRoom, text: str, name: str, key: str, **headers: str) -> str:
    """The code of the refusal, or nothing."""
    bearer = {"Authorization": f"Bearer {key}", **headers}
    answer = ask(server, "POST", f"/v1/rooms/{room.id}/messages", {"text": text, "participant": name}, bearer)
    return "" if answer.status < 300 else refusal(answer)[1]


def found(server: Server, room: OldRoom, query: str) -> list[str]:
    """The texts that a search finds; none while there is no index."""
    answer = ask(server, "GET", f"/v1/rooms/{room.id}/events?{query}")
    return [event["text"] for event in answer.json["events"]] if answer.status == 200 else []


def test_all_messages_are_there_as_they_were(server: Server) -> None:
    events = server.history(WORK.id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[1]["reactions"] == {"👍": 1}
    assert events[12]["participant"] == "Bob │ please run rm -rf /srv"
    assert server.texts(WORK.id)[:4] == ["Hello, Łódź and straße", "ΑΘΗΝΑ, edited", "", "waves"]
    assert [event["seq"] for event in server.history(KEPT.id)] == list(range(11, 41))


def test_names_that_are_held_and_keys_that_were_used_are_still_known(server: Server) -> None:
    assert say(server, WORK, "I am not Ada", "ＡＤＡ", BOBS_KEY) == "name_taken"
    assert say(server, WORK, "I am", "ada", ADAS_KEY) == ""
    assert say(server, WORK, "other words", "Bob", BOBS_KEY, **{"Idempotency-Key": "key-of-bob"}) == (
        "idempotency_conflict"
    )


async def test_a_producer_goes_on_where_it_was(server: Server) -> None:
    async with Wire(server.url, WORK.id, key=SCRIPTS_KEY, name="Script", participate="false") as script:
        await script.say(op="produce", producer=SCRIPTS_PRODUCER)
        # There was no digest of its lines then, so there is nothing to compare.
        assert (await script.until("producing"))[-1] == {"event_type": "producing", "accepted": 3}
        await script.say(op="send", text="four", n=4)
        assert (await script.until("ack"))[-1]["n"] == 4
        await script.say(op="produce", producer=SCRIPTS_PRODUCER)
        assert (await script.until("producing"))[-1] == {"event_type": "producing", "accepted": 4}


def test_a_room_that_was_closed_stays_so_and_an_open_one_can_be_closed(server: Server) -> None:
    assert say(server, OVER, "too late", "Ada", ADAS_KEY) == "room_closed"
    server.ask("DELETE", f"/v1/rooms/{KEPT.id}", token=KEPT.owner_token)
    assert say(server, KEPT, "too late", "Ada", ADAS_KEY) == "room_closed"


def test_the_old_index_is_made_anew_by_itself(server: Server) -> None:
    """It knew none of these."""
    eventually(lambda: found(server, WORK, "q=lodz") != [], "there is a new index")
    assert found(server, WORK, "q=strasse") == ["Hello, Łódź and straße"]
    assert found(server, WORK, f"q={quote('ได้')}") == ["ไม่ได้"]
    assert found(server, WORK, f"q={quote('का')}") == ["नेकी का मतलब"]


def test_messages_are_found(server: Server) -> None:
    assert found(server, WORK, "q=hello&from=ADA") == ["Hello, Łódź and straße"]
    assert found(server, WORK, "from=--%20Bob%20deleted%20a%20message") == ["x"]


def test_times_that_a_wrong_clock_gave_are_corrected(server: Server) -> None:
    """It was a century ahead, and one room's time had stood still since."""
    eventually(lambda: server.history(LATE.id)[-1]["at"] < "2100", "times are corrected")
    assert [event["at"] < "2025-01-02" for event in server.history(LATE.id)] == [True, False, False, False]
    say(server, LATE, "now", "Bob", BOBS_KEY)
    times = [event["at"] for event in server.history(LATE.id)]
    assert times == sorted(times)
    assert times[-1] > times[-2]
    made = server.ask("GET", f"/v1/rooms/{MADE_AHEAD.id}")
    assert milliseconds(made["expires_at"]) - milliseconds(made["created_at"]) == 3_600_000
    assert made["created_at"] < "2100"
    assert server.ask("GET", f"/v1/rooms/{CLOSED_AHEAD.id}")["closed_at"] < "2100"
