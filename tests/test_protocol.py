"""What is listed twice is listed alike: the kinds of events, of frames and of commands."""

from __future__ import annotations

from typing import get_args

from chatty.events import Event, Happening
from chatty.protocol import Command, Control, Frame, Numbered, Produce, Say, Type


def test_every_kind_of_event_is_listed_as_one() -> None:
    assert set(get_args(Happening)) == set(Event.__subclasses__())


def test_a_frame_is_an_event_or_a_control_frame_and_all_of_them_are() -> None:
    assert set(get_args(Frame)) == {*Event.__subclasses__(), *Control.__subclasses__()}


def test_every_kind_of_command_is_listed_as_one() -> None:
    assert set(get_args(Say)) == set(Numbered.__subclasses__())
    assert set(get_args(Command)) == {*get_args(Say), Produce, Type}
