"""Settings that are changed while one talks, and kept."""

from __future__ import annotations

import errno
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import ref

import pytest

from chatty.cli.join.conversation import Conversation
from chatty.cli.join.settings.preferences import Preferences, Sources
from chatty.cli.join.settings.reading import Room
from chatty.cli.join.slash_commands.setting_actions import complete_setting
from chatty.events import ParticipantJoined, ParticipantRenamed
from tests.cli.conftest import MakeEnvironment
from tests.cli.join.talk import NOON, Talk, by, talking

HERE = Room("id1", "general")


class Home:
    """A home with a config.toml, in which somebody talks."""

    def __init__(self, make: MakeEnvironment) -> None:
        self._env = make()
        self.file = self._env.config_directory / "config.toml"
        self.file.parent.mkdir()

    def preferences(self, profile: str = "default", room: Room = HERE) -> Preferences:
        return Preferences(Sources(self._env), profile=profile, room=room)

    @asynccontextmanager
    async def talking(self, profile: str = "default") -> AsyncIterator[Talk]:
        async with talking(preferences=self.preferences(profile)) as talk:
            yield talk


@pytest.fixture
def home(make_environment: MakeEnvironment) -> Home:
    return Home(make_environment)


def said(talk: Talk, line: str) -> list[str]:
    """What is said about a line that is entered."""
    before = len(talk.lines())
    talk.conversation.enter(line)
    return talk.lines()[before:]


async def test_all_settings_are_listed_with_where_each_comes_from(home: Home) -> None:
    home.file.write_text('[join]\nhighlight = ["deploy", "a\\u001bb"]\n[join.room.general]\njoins = "none"\n')
    async with home.talking() as talk:
        assert said(talk, "/set") == [
            "-- settings; /set NAME says more, /set NAME VALUE changes one",
            "   bell       mention      default",
            "   notify     bell         default",
            "   joins      none         [join.room.general]",
            "   highlight  deploy, a␛b  [join]",
            '   ignore     ""           default',
            "   time       %H:%M        default",
            "   color      auto         default",
        ]


async def test_one_setting_is_shown_with_what_it_may_be(home: Home) -> None:
    async with home.talking() as talk:
        (line,) = said(talk, "/set joins")
        assert line == ("-- joins = smart (default): the joins and leaves that are shown; it may be smart, all or none")


async def test_a_change_holds_at_once_and_the_next_time(home: Home) -> None:
    async with home.talking() as talk:
        assert said(talk, "/set joins none") == ["-- joins = none ([join])"]
        await talk.hears(ParticipantJoined(1, NOON, "Ada"))
        assert not any("Ada" in line for line in talk.lines())
        assert said(talk, "/set bell all") == ["-- bell = all ([join])"]
        await talk.hears(by("Ada", 2, "hello"))
        assert talk.conversation.rings()
    assert home.file.read_text() == '[join]\njoins = "none"\nbell = "all"\n'
    assert home.preferences(room=Room("id2", "ops")).settings.joins == "none"


async def test_a_change_for_a_room_or_a_profile_holds_there_alone(home: Home) -> None:
    async with home.talking("work") as talk:
        assert said(talk, "/set --room joins none") == ["-- joins = none ([join.room.general])"]
        assert said(talk, "/set --profile bell off") == ["-- bell = off ([profile.work.join])"]
    assert home.preferences("work").settings.joins == "none"
    assert home.preferences("work", Room("id2", "ops")).settings.joins == "smart"
    assert home.preferences("work", Room("id2", "ops")).settings.bell == "off"
    assert home.preferences("home").settings.bell == "mention"


async def test_a_change_that_does_not_hold_here_says_what_does(home: Home) -> None:
    home.file.write_text('[join.room.general]\njoins = "all"\n')
    async with home.talking() as talk:
        assert said(talk, "/set joins none") == [
            "-- joins = none in [join], but here joins = all ([join.room.general])"
        ]


async def test_what_is_taken_back_is_as_without_it(home: Home) -> None:
    home.file.write_text('[join]\njoins = "all"\n[join.room.general]\njoins = "none"\n')
    async with home.talking() as talk:
        assert said(talk, "/set --room joins -") == ["-- joins = all ([join])"]
        assert said(talk, "/set joins -") == ["-- joins = smart (default)"]


async def test_texts_and_lists_are_typed_without_quotes_and_nothing_with(home: Home) -> None:
    async with home.talking() as talk:
        assert said(talk, "/set highlight deploy,  release train ,") == [
            "-- highlight = deploy, release train ([join])"
        ]
        assert said(talk, '/set --room highlight ""') == ['-- highlight = "" ([join.room.general])']
        assert said(talk, '/set time ""') == ['-- time = "" ([join])']
        assert said(talk, "/set notify notify-send -a 'chat room'") == [
            "-- notify = notify-send -a 'chat room' ([join])"
        ]
    own = home.preferences(room=Room("id2", "ops")).settings
    assert (own.highlight, own.time, own.notify) == (
        ("deploy", "release train"), "", "notify-send -a 'chat room'"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/set jions all", '!! no setting "jions"; did you mean "joins"?'),
        ("/set xyzzy", '!! no setting "xyzzy"; settings are bell, notify, joins, '),
        ("/set joins al", '!! /set joins: did you mean "all"?'),
        ("/set joins 7", "!! /set joins: it may be smart, all or none"),
        ("/set --rom joins all", "!! /set knows no --rom; it may be --room or --profile: /set --room joins none"),
        ("/set notify 'x", "!! /set notify: it is a command that can't be understood"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_was_meant(home: Home, line: str, told: str) -> None:
    async with home.talking() as talk:
        assert talk.refuses(line).startswith(told)
    assert not home.file.exists()


async def test_who_is_ignored_stays_so_the_next_time_and_in_other_rooms(home: Home) -> None:
    home.file.write_text('[join]\nignore = ["Eve"] # spam\n')
    async with home.talking() as talk:
        await talk.sees(by("Bob L.", 1))
        assert said(talk, "/ignore bob l.") == ["-- ignored: Eve, Bob L."]
    async with home.talking() as talk:
        await talk.hears(by("Bob L.", 1, "hidden"), by("Eve", 2, "hidden"))
        assert not any("hidden" in line for line in talk.lines())
        assert said(talk, "/unignore Eve") == ["-- Eve is no longer ignored"]
        await talk.hears(by("Eve", 3, "seen"))
        assert said(talk, "/unignore Bob L.") == ["-- Bob L. is no longer ignored"]
    assert home.preferences(room=Room("id2", "ops")).settings.ignore == ()
    assert home.file.read_text().startswith('[join]\nignore = ["Eve"] # spam\n')


async def test_whoever_took_another_name_is_no_longer_ignored_under_the_old_one_either(home: Home) -> None:
    async with home.talking() as talk:
        await talk.sees(by("Bob", 1))
        talk.conversation.enter("/ignore Bob")
        await talk.hears(ParticipantRenamed(2, NOON, "Bob", "Rob"))
        talk.conversation.enter("/set joins none")
        assert said(talk, "/ignore") == ["-- ignored: Rob"]
        await talk.sees(by("Bob", 4))
        assert said(talk, "/ignore Bob") == ["-- ignored: Rob, Bob"]
        await talk.hears(by("Bob", 5, "hidden"), by("Rob", 6, "hidden"))
        assert not any("hidden" in line for line in talk.lines())
        talk.conversation.enter("/unignore Rob")
        assert home.preferences().settings.ignore == ("Bob",)


async def test_quiet_and_timestamp_last_until_they_are_said_again(home: Home) -> None:
    home.file.write_text('[join]\ntime = "%H"\n')
    async with home.talking("work") as talk:
        assert said(talk, "/quiet") == ["-- joins and leaves are hidden"]
        assert said(talk, "/timestamp") == ["-- the time is hidden"]
    async with home.talking("work") as talk:
        await talk.hears(ParticipantJoined(1, NOON, "Ada"), by("Bob", 2, "without"))
        assert not any("Ada" in line for line in talk.lines())
        assert next(line for line in talk.lines() if "without" in line).lstrip().startswith("Bob")
        assert said(talk, "/quiet") == ["-- joins and leaves are shown"]
        assert said(talk, "/timestamp") == ["-- the time is shown"]
    assert home.preferences("work").settings.time == "%H"


@pytest.mark.parametrize(
    ("command", "name", "lasting"), [("/quiet", "joins", "smart"), ("/timestamp", "time", "%H:%M")]
)
async def test_what_a_weaker_table_hides_is_shown_again_too(home: Home, command: str, name: str, lasting: str) -> None:
    home.file.write_text('[join]\njoins = "none"\ntime = ""\n')
    async with home.talking("work") as talk:
        talk.conversation.enter(command)
    assert home.preferences("work").value(name) == lasting
    assert home.preferences("home").value(name) != lasting


async def test_a_room_with_its_own_setting_is_changed_where_that_is(home: Home) -> None:
    home.file.write_text('[join.room.id1]\njoins = "all"\n')
    async with home.talking() as talk:
        talk.conversation.enter("/quiet")
    assert home.file.read_text() == '[join.room.id1]\njoins = "none"\n'


async def test_where_nothing_can_be_kept_a_change_holds_until_one_leaves_and_this_is_said(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with home.talking() as talk:

        def read_only(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system", str(home.file))

        monkeypatch.setattr(Path, "mkdir", read_only)
        told = f"!! only until you leave: {home.file}: Read-only file system"
        assert said(talk, "/set joins none") == [told, "-- joins = none ([join], until you leave)"]
        assert said(talk, "/timestamp") == [told, "-- the time is hidden"]
        monkeypatch.undo()
        assert said(talk, "/set bell all") == ["-- bell = all ([join])"]
        assert said(talk, "/set joins")[0].startswith("-- joins = none ([join], until you leave): ")
    assert home.preferences().settings.joins == "smart"


async def test_a_broken_file_is_told_and_left_as_it_is(home: Home) -> None:
    async with home.talking() as talk:
        home.file.write_text("[join")
        first, second = said(talk, "/set joins none")
        assert first.startswith(f"!! only until you leave: {home.file}: Expected ']'")
        assert second == "-- joins = none ([join], until you leave)"
    assert home.file.read_text() == "[join"


async def test_a_change_in_one_room_reaches_the_others_of_the_session(make_environment: MakeEnvironment) -> None:
    file = Sources(make_environment())
    one, other = (Preferences(file, room=Room(f"id{number}", f"room-{number}")) for number in (1, 2))
    heard: list[str] = []
    other.subscribe(lambda: heard.append(other.settings.joins))
    one.change("joins", "none")
    one.change("joins", "all", "room")
    assert heard == ["none", "none"]
    assert one.settings.joins == "all"


def test_a_room_that_was_left_is_not_held_by_the_settings(make_environment: MakeEnvironment) -> None:
    file = Sources(make_environment())
    room = ref(Preferences(file))
    gc.collect()
    assert room() is None
    assert file.change(("join",), "joins", "none") == ""


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("/set ", ["bell", "notify", "joins", "highlight", "ignore", "time", "color", "--room", "--profile"]),
        ("/set --", ["--room", "--profile"]),
        ("/set j", ["joins"]),
        ("/set --room j", ["joins"]),
        ("/set joins ", ["smart", "all", "none", "-"]),
        ("/set --profile bell m", ["mention"]),
        ("/set joins smart ", []),
        ("/set xyzzy ", []),
        ("/set", []),
        ("/settle ", []),
        ("x /set ", []),
    ],
)
def test_names_and_values_are_completed(before: str, words: list[str]) -> None:
    assert [word for word, _, _ in complete_setting(before)] == words


async def test_by_default_nothing_is_read_or_kept() -> None:
    async with talking() as talk:
        assert isinstance(talk.conversation, Conversation)
        assert said(talk, "/set joins none")[0] == "!! only until you leave: there is no file to keep it in"
