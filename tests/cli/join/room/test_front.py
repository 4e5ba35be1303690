"""A room that is not in front costs no rendering, and tells how much waits in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from rich.text import Text

from chatty.cli.join.room.incoming import Incoming
from chatty.cli.join.room.returning import Returning
from chatty.events import Message, MessageEdited, ParticipantJoined, StreamPosition, milliseconds
from chatty.protocol import Frame, Gap, Live
from tests.cli.join.talk import NOON, by, welcome


class Seat:
    """A room, what it said had changed, and the mentions that it told."""

    def __init__(self, *, front: bool) -> None:
        self.time = 100.0
        self.changes = 0
        self.told: list[str] = []
        self.room = Incoming(
            clock=lambda: self.time,
            local=lambda time: time,
            now=lambda: milliseconds(NOON) / 1000,
            changed=self.changed,
        )
        self.room.on_mention = lambda message: self.told.append(message.text)
        self.hears(welcome(), Live(0))
        self.room.front = front
        self.changes = 0

    def changed(self) -> None:
        self.changes += 1

    def hears(self, *frames: Frame) -> None:
        for frame in frames:
            self.room.hear(frame)

    def lines(self) -> list[str]:
        return [line.plain for line in self.room.take()]


def test_behind_another_room_nothing_is_shown_and_little_is_told() -> None:
    seat = Seat(front=False)
    seat.hears(ParticipantJoined(1, NOON, "Bob"), by("John", 2, "mine"))
    assert seat.changes == 0
    seat.hears(*(by("Bob", seq) for seq in range(3, 23)))
    assert (seat.changes, seat.lines(), seat.room.ticking) == (1, [], False)
    assert (seat.room.unread, seat.room.mentions) == (20, 0)


def test_a_mention_is_told_at_once_wherever_it_is() -> None:
    seat = Seat(front=False)
    seat.hears(by("Bob", 1, "hi"), by("Bob", 2, "@john ping"), MessageEdited(3, NOON, "Bob", 1, "John: hi"))
    assert seat.told == ["@john ping", "John: hi"]
    assert (seat.changes, seat.room.unread, seat.room.mentions) == (3, 3, 2)
    front = Seat(front=True)
    front.hears(by("Bob", 1, "@john ping"))
    assert front.told == []


def test_what_came_is_there_when_the_room_comes_to_the_front_and_of_much_the_newest() -> None:
    seat = Seat(front=False)
    seat.hears(*(by("Bob", seq, f"message {seq}") for seq in range(1, 81)))
    seat.room.front = True
    seat.room.look()
    lines = seat.lines()
    assert lines[:2] == ["── 80 new since 12:00 ──", "… 30 skipped · /history 130"]
    assert [line.rpartition(" ")[2] for line in lines[3:]] == [str(seq) for seq in range(31, 81)]
    assert seat.room.unread == 0


def coming_back(to: int) -> Incoming:
    """A room in front, to which one comes back who has seen event ``to``."""
    back = Incoming(
        clock=lambda: 0.0,
        local=lambda time: time,
        now=lambda: milliseconds(NOON) / 1000,
        changed=lambda: None,
    )
    back.come_back(Returning(StreamPosition("e", to), datetime.fromisoformat(NOON)))
    return back


def test_more_than_was_replayed_is_told_to_one_who_comes_back() -> None:
    back = coming_back(10)
    back.hear(welcome(320))
    for seq in range(121, 321):
        back.hear(by("Bob", seq, str(seq)))
    back.hear(Live(320))
    back.look()
    lines = [line.plain for line in back.take()]
    assert lines[:2] == ["── new since 12:00 ──", "… up to 110 skipped · /history 210"]
    assert [line.rpartition(" ")[2] for line in lines[3:]] == [str(seq) for seq in range(121, 321)]


@pytest.mark.parametrize("touch", [Incoming.pressed, Incoming.look])
def test_a_key_or_a_look_while_what_is_new_still_comes_in_takes_no_mark_away(touch: Callable[[Incoming], None]) -> None:
    back = coming_back(1)
    for frame in (welcome(3), by("Bob", 1, "old"), by("Bob", 2, "new")):
        back.hear(frame)
    touch(back)
    back.hear(by("Bob", 3, "newer"))
    back.hear(Live(3))
    old, *new = [line.plain for line in back.take()][-4:]
    assert (old, new[0]) == ("12:00        Bob │ old", "── 2 new since 12:00 ──")
    assert [line.rpartition(" ")[2] for line in new[1:]] == ["new", "newer"]
    touch(back)
    assert back.unread == 0


def test_what_waits_is_cut_to_the_newest_when_a_room_goes_behind() -> None:
    seat = Seat(front=True)
    seat.hears(*(by("Bob", seq, str(seq)) for seq in range(1, 101)))
    seat.room.front = False
    seat.hears(by("Bob", 101))
    seat.room.front = True
    assert seat.lines()[0] == "… 51 skipped · /history 151"


def test_what_changes_behind_another_room_is_shown_as_it_is_then() -> None:
    seat = Seat(front=False)
    seat.hears(Message(1, NOON, "ci", "0 %", automatic=1), MessageEdited(2, NOON, "ci", 1, "10 %"))
    seat.time += 10
    seat.room.front = True
    assert seat.lines()[1:] == ["12:00         ci │ 0 %", "12:00 ✎       ci │ 10 %"]


def test_what_was_on_the_screen_while_somebody_was_there_has_been_seen() -> None:
    seat = Seat(front=True)
    assert seat.room.seen == 0
    seat.hears(by("Bob", 1), ParticipantJoined(2, NOON, "Ada"))
    assert seat.room.seen == 0
    seat.lines()
    assert seat.room.seen == 2
    seat.time += 60
    seat.hears(by("Bob", 3))
    seat.lines()
    assert seat.room.seen == 2
    seat.room.pressed()
    assert seat.room.seen == 3
    seat.room.front = False
    seat.hears(by("Bob", 4))
    seat.lines()
    assert seat.room.seen == 3
    seat.hears(Gap("epoch", 0, 0))
    assert seat.room.seen == 0


def test_a_reply_has_a_quote_if_chatty_or_another_room_had_a_line_between_and_in_the_front_again() -> None:
    def between(do: Callable[[Seat], None]) -> bool:
        seat = Seat(front=True)
        seat.hears(by("Bob", 1, "lunch?"))
        seat.lines()
        do(seat)
        seat.lines()
        seat.hears(Message(2, NOON, "Eve", "yes", reply_to=1))
        return "↪ Bob: lunch?" in "".join(seat.lines())

    assert not between(lambda _: None)
    assert between(lambda seat: seat.room.show(Text("-- hm")))
    assert between(lambda seat: seat.room.interrupted())
    assert between(lambda seat: seat.room.look())


def test_words_to_highlight_are_mentions_and_texts_fit_the_window() -> None:
    seat = Seat(front=True)
    seat.room.highlight(("deploy",))
    seat.room.fit(40)
    seat.hears(by("Bob", 1, "a deploy"), by("Bob", 2, "ask john"))
    assert seat.lines()[1:] == ["12:00 ! Bob\n  a deploy", "12:00 Bob\n  ask john"]
    assert seat.room.mentions == 1
    assert [line.plain for line in seat.room.aside().lines([by("Bob", 1, "a deploy")])][1:] == [
        "12:00 ! Bob\n  a deploy  #1"
    ]
