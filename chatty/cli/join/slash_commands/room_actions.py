"""All the actions behind slash commands, in one class."""

from __future__ import annotations

from chatty.cli.join.slash_commands.message_actions import MessageActions
from chatty.cli.join.slash_commands.moderator_actions import ModeratorActions
from chatty.cli.join.slash_commands.personal_actions import PersonalActions
from chatty.cli.join.slash_commands.reading_actions import ReadingActions
from chatty.cli.join.slash_commands.rooms_actions import RoomsActions

__all__ = ["RoomActions"]


class RoomActions(MessageActions, ReadingActions, RoomsActions, PersonalActions, ModeratorActions):
    """A method for each command: see `chatty.cli.join.slash_commands.actions.Actions`."""
