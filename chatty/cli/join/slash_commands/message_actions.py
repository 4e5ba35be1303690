"""The slash commands that say something in the room, or change what was said."""

from __future__ import annotations

from chatty import protocol
from chatty.cli.join.rendering.emoji import emoji_names, replace_shortcodes, unknown_name, with_emoji
from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.slash_commands.actions import Actions, Outcome, first_word
from chatty.protocol import Send

__all__ = ["MessageActions"]


class MessageActions(Actions):
    """See `Actions`."""

    def me(self, text: str) -> Outcome:
        """Send a text that says what one does."""
        return Send(with_emoji(text), action=True)

    def reply(self, argument: str) -> Outcome:
        """Answer the message that ``argument`` points at."""
        choice, text = self._pointer.addressed(argument)
        if not text:
            raise Wrong("/reply needs a text")
        return Send(with_emoji(text), reply_to=self._pointer.settle(choice))

    def edit(self, text: str) -> Outcome:
        """Change the selected message, or one's own newest; without ``text``, put it into the prompt."""
        if self._host.plain and not text:
            raise Wrong("plain lines don't come back: change your last message with /edit TEXT")
        seq = self._pointer.settle(self._pointer.own())
        if text:
            return protocol.Edit(seq, with_emoji(text))
        mine = self._people.get(seq)
        self._host.give_back(f"/edit {mine.text if mine else ''}")
        return None

    def delete(self, argument: str) -> Outcome:
        """Delete the selected message, the one with a number, or one's own newest."""
        return protocol.Delete(self._pointer.settle(self._pointer.own_or_numbered(argument)))

    def react(self, argument: str) -> Outcome:
        """React to the message that ``argument`` points at behind its first word."""
        return self._reaction(argument, remove=False)

    def unreact(self, argument: str) -> Outcome:
        """Take a reaction back."""
        return self._reaction(argument, remove=True)

    def _reaction(self, argument: str, *, remove: bool) -> Outcome:
        sign, rest = first_word(argument)
        choice, more = self._pointer.addressed(rest)
        if more:
            raise Wrong("a reaction is one word, such as :tada:, and then at most #SEQ or @NAME")
        if not remove and (unknown := unknown_name(sign)):
            raise Wrong(unknown)
        reaction = protocol.React(self._pointer.settle(choice), replace_shortcodes(sign), remove)
        if not remove and (emoji := emoji_names().get(sign)):  # a word may be meant: it answers a question
            self._notice(f"{sign} is a word here; for {emoji}: /react :{sign}:")
        return reaction

    def topic(self, text: str) -> Outcome:
        """Show what the room is about, or change it; ``-`` clears it."""
        if text:
            return protocol.SetTopic("" if text == "-" else " ".join(text.split()))
        topic = self._incoming.topic
        self._notice(f"topic: {topic}" if topic else "no topic yet; /topic TEXT sets one")
        return None

    def nick(self, name: str) -> Outcome:
        """Change one's own name."""
        return protocol.Rename(name)
