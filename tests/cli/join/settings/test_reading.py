"""What config.toml says about ``chatty join``, and what of it holds in a room."""

from __future__ import annotations

import pytest

from chatty.cli.join.settings.preferences import NOWHERE, Preferences, Sources
from chatty.cli.join.settings.reading import Room
from chatty.cli.join.settings.table import SETTINGS, Settings, Value
from tests.cli.conftest import MakeEnvironment
from tests.cli.test_config import write_config

LAYERS = """
[join]
bell = "all"
joins = "all"
highlight = ["deploy"]
time = "%H"

[profile.work.join]
joins = "none"
time = "%H:%M:%S"
notify = "osc"

[join.room.general]
time = ""
bell = "off"
"""


def preferences(
    make: MakeEnvironment, text: str, profile: str = "default", room: Room = NOWHERE, **options: Value | None
) -> Preferences:
    write_config(make, text)
    return Preferences(Sources(make(), options), profile=profile, room=room)


def test_a_room_goes_before_the_profile_and_that_before_join_and_that_before_the_default(
    make_environment: MakeEnvironment,
) -> None:
    own = preferences(make_environment, LAYERS, profile="work", room=Room("id1", "general"))
    assert own.settings == Settings(bell="off", joins="none", highlight=("deploy",), time="", notify="osc")
    assert {one.name: own.source(one.name) for one in SETTINGS} == {
        "bell": "[join.room.general]",
        "notify": "[profile.work.join]",
        "joins": "[profile.work.join]",
        "highlight": "[join]",
        "ignore": "default",
        "time": "[join.room.general]",
        "color": "default",
    }


def test_another_room_and_another_profile_have_nothing_of_it(make_environment: MakeEnvironment) -> None:
    own = preferences(make_environment, LAYERS, profile="home", room=Room("id2", "ops"))
    assert own.settings == Settings(bell="all", joins="all", highlight=("deploy",), time="%H")


def test_the_command_line_goes_before_all_of_them_until_it_is_changed(make_environment: MakeEnvironment) -> None:
    room = Room("id1", "general")
    own = preferences(make_environment, LAYERS, profile="work", room=room, bell="mention", color=None)
    assert (own.settings.bell, own.source("bell")) == ("mention", "command line")
    assert own.source("color") == "default"
    assert own.change("bell", None) == ""
    assert (own.settings.bell, own.source("bell")) == ("off", "[join.room.general]")


def test_a_rooms_id_says_more_than_its_name_which_may_be_spelled_otherwise(make_environment: MakeEnvironment) -> None:
    text = '[join.room."Ｒelease  NOTES"]\nbell = "all"\njoins = "all"\n[join.room.id1]\nbell = "off"\n'
    own = preferences(make_environment, text, room=Room("id1", "release notes"))
    assert (own.settings.bell, own.settings.joins) == ("off", "all")
    assert own.source("joins") == '[join.room."Ｒelease  NOTES"]'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[join]\njions = "all"', '[join]: "jions" is not understood; did you mean "joins"?'),
        ("[join]\nxyzzy = 1", '[join]: "xyzzy" is not understood; settings are bell, notify, joins, '),
        ('[join]\njoins = "al"', '[join]: "joins" is not understood; did you mean "all"?'),
        ('[join]\njoins = "x"', '[join]: "joins" is not understood; it may be smart, all or none'),
        ("[join]\nbell = true", '[join]: "bell" is not understood; it may be mention, all or off, between quotes'),
        ('[join]\nignore = "Eve"', '[join]: "ignore" is not understood; it is a list of texts: ignore = ["…", "…"]'),
        ('[join]\nnotify = "say \'x"', '"notify" is not understood; it is a command that can\'t be understood'),
        ('[join]\ntime = "%A %A %A %A %A"', '"time" is not understood; it gives more than 24 characters'),
        ('[join]\ntime = "\\u001b[2J"', '"time" is not understood; it gives more than 24 characters, or some'),
        ('[profile.x.join]\nhighligt = ["a"]', '[profile.x.join]: "highligt" is not understood; did you mean'),
        ('[profile.x.join.room.y]\nbell = "all"', '[profile.x.join]: "room" is not understood; '),
        ('[join.room."a b"]\nbel = "all"', '[join.room."a b"]: "bel" is not understood; did you mean "bell"?'),
        ("join = 3", "[join] is not understood; it is a table"),
        ("[profile.x]\njoin = 3", "[profile.x.join] is not understood; it is a table"),
        ('[join]\nroom = "x"', "[join.room] is not understood; rooms look like [join.room.NAME]"),
        ("[join.room]\nx = 1", "[join.room.x] is not understood; it is a table"),
        ('[joins]\nbell = "all"', 'table "joins" is not understood; did you mean [join]?'),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place_and_what_was_meant(
    make_environment: MakeEnvironment, text: str, told: str
) -> None:
    env = make_environment()
    write_config(make_environment, text)
    (problem,) = Sources(env).problems
    assert problem.startswith(f"{env.config_directory / 'config.toml'}: ")
    assert told in problem


def test_what_makes_no_sense_is_left_out_and_the_rest_holds(make_environment: MakeEnvironment) -> None:
    own = preferences(make_environment, '[join]\njions = "all"\nbell = "x"\ntime = ""\nhighlight = [1]\n')
    assert own.settings == Settings(time="")


def test_without_a_file_all_is_as_by_default(make_environment: MakeEnvironment) -> None:
    file = Sources(make_environment())
    assert file.problems == []
    assert Preferences(file).settings == Settings()


def test_each_setting_of_the_table_is_one_and_takes_its_default_as_it_is_typed() -> None:
    assert [one.name for one in SETTINGS] == list(Settings.__struct_fields__)
    for one in SETTINGS:
        default = getattr(Settings(), one.name)
        assert one.parse(one.show(default)) == default
