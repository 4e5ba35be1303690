"""Tables that have to agree: a kind of event, entry, fact or command that one of them forgets is noticed here."""

from __future__ import annotations

from typing import get_args

from chatty.events import Event
from chatty.protocol import Command
from chatty.server.business import messages, room, rulings, state
from chatty.server.business.entries import Change, Entry, Forget, Probe, Ruling
from chatty.server.business.facts import Fact
from chatty.server.business.nodes import Fingerprint, RaiseLevel
from chatty.server.platform.network import http_messages, websocket
from chatty.server.platform.store import applying, rows
from chatty.server.platform.store.schema import KINDS

FACTS = set(get_args(Fact)) - {Event}
ENTRIES = {*Entry.__subclasses__(), *Change.__subclasses__(), *Ruling.__subclasses__()} - {Change, Ruling}
OF_ALL_ROOMS = {Forget, Probe, RaiseLevel, Fingerprint}


def test_every_event_has_a_number_in_the_store_and_no_two_have_the_same() -> None:
    assert set(KINDS) == {event.__struct_config__.tag for event in Event.__subclasses__()}
    assert len(set(KINDS.values())) == len(KINDS)
    assert {kind: rows.KIND_OF[kind] for kind in Event.__subclasses__()} == rows.KIND_OF


def test_the_store_never_renumbers_an_event() -> None:
    assert list(KINDS) == [
        "message", "participant_joined", "participant_left", "room_closed", "message_edited", "message_deleted",
        "reaction", "topic_changed", "participant_renamed", "moderated",
    ]  # fmt: skip
    assert list(KINDS.values()) == list(range(len(KINDS)))


def test_every_entry_has_a_rule_or_is_about_all_rooms() -> None:
    assert set(room._DECIDE) | set(rulings._RULE) | OF_ALL_ROOMS == ENTRIES
    assert set(messages.CHANGES) == set(Change.__subclasses__())
    assert set(applying._RARE) < ENTRIES


def test_every_fact_changes_the_state_and_the_rows() -> None:
    assert set(state._EVOLVE) == FACTS
    assert set(rows._WRITE) == FACTS


def test_every_command_has_a_handler_and_every_change_an_entry() -> None:
    assert set(websocket._HANDLERS) == set(get_args(Command))
    changes = {command for command, handler in websocket._HANDLERS.items() if handler is websocket.V1Session._change}
    assert changes == set(get_args(http_messages.ChangeCommand))
    assert len(changes) == len(Change.__subclasses__())
