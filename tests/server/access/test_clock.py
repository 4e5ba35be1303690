"""Attack 13: rights end by the clock, and a clock that is wrong for a while refuses, but destroys nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.asking import ask
from tests.support.clock import Clock
from tests.support.faults import eventually
from tests.support.server import Server

DAY = 86_400.0
EVE = "e" * 43


class Place:
    """A server that lives by a clock, and a room in it, where a token, a role and a ban each last for half a day."""

    def __init__(self, scratch: Path) -> None:
        clock = Clock(scratch / "clock")
        self.set = clock.set
        self.server = Server(scratch / "data", env=clock.env)

    def furnish(self) -> None:
        half = {"expires_in": DAY / 2}
        self.room = self.server.operate("POST", "/v1/rooms", {"name": "x"})["id"]
        rules = f"/v1/rooms/{self.room}"
        issued = self.server.operate("POST", "/v1/tokens", {"name": "ci", "room": self.room, **half})
        self.token, self.token_id = issued["token"], issued["id"]
        identity = self.server.ask("GET", "/v1/me", token="m" * 43)["identity"]
        self.server.operate("PUT", f"{rules}/members/{identity}", {"role": "moderator", **half})
        identity = self.server.ask("GET", "/v1/me", token=EVE)["identity"]
        self.server.operate("POST", f"{rules}/restrictions", {"act": "ban", "identity": identity, **half})

    def holds(self) -> tuple[bool, bool, bool]:
        """Whether the token, the role and the ban hold."""
        path = f"/v1/rooms/{self.room}"
        token, moderator, banned = (
            ask(self.server, "GET", f"{path}{rest}", headers={"Authorization": f"Bearer {key}"}).status
            for rest, key in (("", self.token), ("/members", "m" * 43), ("", EVE))
        )
        assert token in (200, 401)
        assert {moderator, banned} <= {200, 403}
        return token == 200, moderator == 200, banned == 403


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    with place.server:
        place.furnish()
        yield place


ALL, NONE = (True, True, True), (False, False, False)


def test_a_clock_that_is_a_day_ahead_refuses_and_destroys_nothing(place: Place) -> None:
    assert place.holds() == ALL
    place.set(DAY)
    assert place.holds() == NONE
    assert [one["id"] for one in place.server.operate("GET", "/v1/tokens?all=true")["tokens"]] == [place.token_id]
    place.set(0)
    eventually(lambda: place.holds() == ALL, "all holds again")
    place.server.restart()
    assert place.holds() == ALL


def test_a_clock_that_is_a_day_behind_ends_nothing_early(place: Place) -> None:
    place.set(-DAY)
    assert place.holds() == ALL
    place.server.restart()
    assert place.holds() == ALL
    place.set(0)
    eventually(lambda: place.holds() == ALL, "all holds again")


def test_a_clock_that_jumps_to_and_fro_leaves_all_as_it_was(place: Place) -> None:
    for shift, expected in ((DAY, NONE), (-DAY, ALL), (DAY / 4, ALL), (30 * DAY, NONE), (0, ALL)):
        place.set(shift)
        eventually(lambda: place.holds() == expected, f"{shift} s")  # noqa: B023 - it is called at once
