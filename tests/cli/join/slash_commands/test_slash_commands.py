"""What a typed line means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatty.cli.join.room.usage_error import Wrong
from chatty.cli.join.settings.table import SETTINGS
from chatty.cli.join.slash_commands.elsewhere import _HERE, _MEANT, _TOLD
from chatty.cli.join.slash_commands.room_actions import RoomActions
from chatty.cli.join.slash_commands.table import COMMANDS, Do, complete, parse
from chatty.events import ParticipantJoined
from chatty.protocol import Rename, Send
from tests.cli.join.talk import NOON, by, talking

ALL = ("read", "post", "moderate", "own")


def run(line: str) -> object:
    """What a command comes to that needs no room."""
    typed = parse(line)
    assert isinstance(typed, Do)
    return typed.run(RoomActions.__new__(RoomActions))


@pytest.mark.parametrize(
    ("line", "method", "argument"),
    [
        ("/help", RoomActions.help, ""),
        ("/help reply", RoomActions.help, "reply"),
        ("/more", RoomActions.more, ""),
        ("/show #7", RoomActions.show, "#7"),
        ("/room 2", RoomActions.room, "2"),
        ("/join ops", RoomActions.join, "ops"),
        ("/part", RoomActions.part, ""),
        ("/rooms", RoomActions.rooms, ""),
        ("/invite", RoomActions.invite, ""),
        ("/who", RoomActions.who, ""),
        ("/quit", RoomActions.quit, ""),
        ("/history", RoomActions.history, ""),
        ("  /history   7  ", RoomActions.history, "7"),
        ("/me waves", RoomActions.me, "waves"),
        ("/reply @Ada yes, both", RoomActions.reply, "@Ada yes, both"),
        ("/edit", RoomActions.edit, ""),
        ("/edit one\ntwo", RoomActions.edit, "one\ntwo"),
        ("/edit\none", RoomActions.edit, "one"),
        ("/delete", RoomActions.delete, ""),
        ("/react :+1: #7", RoomActions.react, ":+1: #7"),
        ("/unreact :+1:", RoomActions.unreact, ":+1:"),
        ("/topic what goes out", RoomActions.topic, "what goes out"),
        ("/nick Ada L.", RoomActions.nick, "Ada L."),
        ("/search two words", RoomActions.search, "two words"),
        ("/ignore Bob", RoomActions.ignore, "Bob"),
        ("/unignore Bob", RoomActions.unignore, "Bob"),
        ("/quiet", RoomActions.quiet, ""),
        ("/timestamp", RoomActions.timestamp, ""),
        ("/clear", RoomActions.clear, ""),
    ],
)
def test_a_command_does_what_its_name_says(line: str, method: Callable[..., Any], argument: str) -> None:
    typed = parse(line)
    assert isinstance(typed, Do)
    assert (typed.command.run, typed.argument) == (method, argument)
    assert typed.command.name == method.__name__


def test_what_needs_no_room_is_made_at_once() -> None:
    assert run("/me waves") == Send("waves", action=True)
    assert run("/nick Ada L.") == Rename("Ada L.")


def test_text_is_said_as_it_was_typed() -> None:
    assert parse("  two  spaces /quit ") == Send("  two  spaces /quit ")


def test_two_slashes_send_one_and_the_rest_as_it_was_typed() -> None:
    assert parse("//x y") == Send("/x y")
    assert parse("//x  ") == Send("/x  ")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("qiut", "quit"),
        ("rely", "reply"),
        ("HELP", "help"),
        ("unr", "unreact"),
        ("topics", "topic"),
        ("exit", "quit"),
        ("serach", "search"),
        ("shwo", "show"),
        ("jion", "join"),
    ],
)
def test_a_misspelt_command_is_never_text_and_names_the_one_that_was_meant(typed: str, meant: str) -> None:
    with pytest.raises(Wrong) as wrong:
        parse(f"/{typed}")
    assert str(wrong.value) == f"Unknown /{typed}. Did you mean /{meant}?"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("names", "Did you mean /who?"),
        ("list", "Did you mean /rooms?"),
        ("buffer 3", "Did you mean /room?"),
        ("MODE +m", "Did you mean /role?"),
        ("leave", "Did you mean /part?"),
        ("hilight deploy", "Did you mean /set highlight?"),
        ("msg Bob hi", "There are no private messages: open a room for two, and /invite shows how others get in."),
        ("away lunch", "Nobody is marked as away who is connected: say so with /me."),
        ("reconnect", "A lost connection comes back by itself; /join also takes the URL of a room on another server."),
        ("save", "What /set changes is kept at once."),
    ],
)
def test_a_command_of_another_chat_names_what_serves_instead(typed: str, told: str) -> None:
    with pytest.raises(Wrong) as wrong:
        parse(f"/{typed}")
    assert str(wrong.value) == f"Unknown /{typed.split()[0]}. {told}"


def test_what_serves_instead_of_another_command_exists_and_no_command_is_another_one() -> None:
    names = {command.name for command in COMMANDS}
    assert {here.split()[0] for here in _HERE} <= names
    assert names.isdisjoint({*_MEANT, *_TOLD})
    assert {here.split()[1] for here in _HERE if here.startswith("set ")} <= {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("typed", ["nope", "", "x", "un", "wave", "moderate", "message", "日本", "usr/bin"])
def test_what_is_like_no_command_suggests_none(typed: str) -> None:
    with pytest.raises(Wrong, match="begin with //") as wrong:
        parse(f"/{typed}")
    assert "Did you mean" not in str(wrong.value)


def test_an_unknown_command_says_how_to_send_it_as_text() -> None:
    with pytest.raises(Wrong, match="begin with //"):
        parse("/usr/bin/env is where it lives")


def test_what_is_unknown_is_cleaned_before_it_is_shown() -> None:
    with pytest.raises(Wrong) as wrong:
        parse("/\x1b[31mred")
    assert "\x1b" not in str(wrong.value)


@pytest.mark.parametrize("argument", ["x", "0", "-1", "1.5", "5001", "9" * 40, "²"])
async def test_history_takes_a_sensible_number(argument: str) -> None:
    async with talking() as talk:
        assert talk.refuses(f"/history {argument}").startswith("!! /history takes a number from 1 to 5,000")


def test_a_command_that_takes_nothing_refuses_an_argument() -> None:
    with pytest.raises(Wrong, match="/quit takes no argument"):
        run("/quit now")


@pytest.mark.parametrize("name", ["me", "reply", "react", "nick", "search", "unignore"])
def test_a_command_that_needs_an_argument_says_so(name: str) -> None:
    with pytest.raises(Wrong, match=f"/{name} needs an argument: /{name} "):
        run(f"/{name}")


@given(st.text())
def test_what_begins_with_one_slash_is_never_sent(text: str) -> None:
    try:
        typed = parse(f"/{text}")
    except Wrong:
        return
    assert isinstance(typed, Do) or text.startswith("/")


@pytest.mark.parametrize(
    ("before", "names"),
    [
        ("/", [command.name for command in COMMANDS]),
        ("/h", ["help", "history"]),
        ("/hi", ["history"]),
        ("/history ", []),
        ("//h", []),
        ("h", []),
        ("", []),
        ("see /h", []),
    ],
)
def test_only_a_beginning_command_is_completed(before: str, names: list[str]) -> None:
    assert [command.name for command in complete(before, ALL)] == names


def test_commands_of_moderators_are_shown_to_those_whom_they_serve() -> None:
    moderators = {command.name for command in COMMANDS if command.needs}
    assert moderators == {"kick", "mute", "unmute", "ban", "unban", "lock", "unlock", "slow", "role"}
    assert not moderators & {command.name for command in complete("/", ("read", "post"))}
    assert isinstance(parse("/lock"), Do), "the server says no to others"


async def test_only_somebody_who_is_or_was_here_is_ignored() -> None:
    async with talking() as talk:
        await talk.sees(ParticipantJoined(0, NOON, "Eve"), by("Bob L.", 1))
        assert talk.refuses("/ignore Nobody") == "!! nobody called Nobody is here, or was lately"
        assert talk.refuses("/ignore Bob") == "!! nobody called Bob is here, or was lately"
        assert talk.refuses("/ignore @John") == "!! that is you"
        for name, ignored in (("@ｅｖｅ", "Eve"), ("bob l.", "Eve, Bob L."), ("BOB L.", "Eve, Bob L.")):
            assert talk.conversation.enter(f"/ignore {name}")
            assert talk.lines()[-1] == f"-- ignored: {ignored}"
        assert talk.refuses("/unignore Nobody").startswith("!! nobody called Nobody")
        assert talk.refuses("/unignore Bob").startswith("!! nobody called Bob")


async def test_a_reaction_with_the_bare_name_of_an_emoji_says_that_it_is_a_word() -> None:
    async with talking() as talk:
        talk.link.gives(by("Ada", 1))
        await talk.shows("hello")
        assert talk.conversation.enter("/react tada")
        assert talk.lines()[-1] == "-- tada is a word here; for 🎉: /react :tada:"
        assert talk.conversation.enter("/react yes!")
        assert talk.lines()[-1] == "-- tada is a word here; for 🎉: /react :tada:"
