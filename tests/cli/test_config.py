"""Who the user is, and where: options before variables before profiles before defaults."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from chatty.cli.config import Profile, client_key, load_profile, login_name
from chatty.cli.failures import Failure
from chatty.cli.targets import participant_name, resolve_server
from tests.cli.conftest import MakeEnvironment

CONFIG = """
[profile.default]
server = "http://home:1"
[profile.work]
server = "http://work:2"
name = "Ada"
"""


def write_config(make: MakeEnvironment, text: str = CONFIG) -> None:
    directory = make().config_directory
    directory.mkdir()
    (directory / "config.toml").write_text(text)


def test_a_config_in_another_encoding_is_told_with_what_to_do(make_environment: MakeEnvironment) -> None:
    write_config(make_environment)
    (make_environment().config_directory / "config.toml").write_bytes('[profile.x]\nname = "Zoë"'.encode("latin-1"))
    with pytest.raises(Failure) as failure:
        load_profile(make_environment(), None)
    assert failure.value.status == 2
    assert "config.toml is not UTF-8" in failure.value.message
    assert failure.value.hint == "save it as UTF-8"


def test_without_a_config_there_is_a_default_profile_that_says_nothing(make_environment: MakeEnvironment) -> None:
    assert load_profile(make_environment(), None) == Profile("default")


def test_the_option_goes_before_the_variable_and_that_before_the_default(make_environment: MakeEnvironment) -> None:
    write_config(make_environment)
    assert load_profile(make_environment(), None).server == "http://home:1"
    assert load_profile(make_environment(CHATTY_PROFILE="work"), None) == Profile("work", "http://work:2", "Ada")
    assert load_profile(make_environment(CHATTY_PROFILE="work"), "default").server == "http://home:1"


def test_the_server_is_the_options_else_the_variables_else_the_profiles(make_environment: MakeEnvironment) -> None:
    profile = Profile("x", server="http://profile")
    assert resolve_server(make_environment(), None, Profile("x")) is None
    assert resolve_server(make_environment(), None, profile) == "http://profile"
    assert resolve_server(make_environment(CHATTY_SERVER="http://variable"), None, profile) == "http://variable"
    assert resolve_server(make_environment(CHATTY_SERVER="http://variable"), "option:9/", profile) == "http://option:9"


def test_the_name_is_the_options_else_the_variables_else_the_profiles_else_the_login(
    make_environment: MakeEnvironment,
) -> None:
    env, profile = make_environment(), Profile("x", name="profile")
    assert participant_name(env, None, Profile("x")) == login_name(env)
    assert participant_name(env, None, profile) == "profile"
    assert participant_name(make_environment(CHATTY_NAME="variable"), None, profile) == "variable"
    assert participant_name(make_environment(CHATTY_NAME="variable"), "option", profile) == "option"


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("ada", "ada"),
        ("a b\x07\u202ec", "abc"),
        ("x" * 40, "x" * 32),
        ("System", "System-user"),
        ("\x01", "somebody"),
        ("ada|ops", "adaops"),
        ("--", "somebody"),
    ],
)
def test_a_login_name_becomes_a_valid_name(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch, login: str, name: str
) -> None:
    monkeypatch.setenv("LOGNAME", login)
    assert login_name(make_environment()) == name


@pytest.mark.parametrize(
    ("text", "chosen", "told"),
    [
        (CONFIG, "wrk", 'no profile "wrk"'),
        ("[profile.default]\nsevrer = 'x'", None, 'profile "default": "sevrer" is not understood'),
        ("[profile.default]\nserver = 8080", None, 'profile "default": "server" is not understood'),
        ("[profile", None, "config.toml: "),
        ("profile = 3", None, "a profile is a table"),
        ("[profile]\nwork = 3", None, "a profile is a table"),
        ("[profiles.default]\nserver = 'x'", None, 'table "profiles" is not understood'),
        ("[[room]]\nname = 'x'", None, '"room" is not understood'),
        ("server = 'x'\n[profile.default]", None, '"server" is not understood'),
    ],
)
def test_a_config_that_makes_no_sense_is_told_and_not_guessed_at(
    make_environment: MakeEnvironment, text: str, chosen: str | None, told: str
) -> None:
    write_config(make_environment, text)
    with pytest.raises(Failure) as failure:
        load_profile(make_environment(), chosen)
    assert told in failure.value.message
    assert failure.value.status == 2


def test_a_mistyped_profile_is_suggested(make_environment: MakeEnvironment) -> None:
    write_config(make_environment)
    with pytest.raises(Failure) as failure:
        load_profile(make_environment(), "wrk")
    assert failure.value.hint == 'did you mean "work"?'


def test_the_secret_is_made_once_and_for_its_owner_alone(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    first = client_key(env, Profile("default"), "http://a")
    secret = env.config_directory / "secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o644)
    assert client_key(env, Profile("default"), "http://a") == first
    assert secret.stat().st_mode & 0o777 == 0o600


def test_every_server_and_every_profile_has_a_key_of_its_own(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    keys = {
        client_key(env, Profile(profile), server)
        for profile in ("default", "work")
        for server in ("http://a", "http://b")
    }
    assert len(keys) == 4
    assert (env.config_directory / "secret-work").exists()


def test_commands_that_start_at_once_agree_on_one_secret(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    keys: list[str] = []
    start = threading.Barrier(8)

    def command() -> None:
        start.wait()
        keys.append(client_key(env, Profile("default"), "http://a"))

    threads = [threading.Thread(target=command) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert os.listdir(env.config_directory) == ["secret"]  # noqa: PTH208  names


def test_without_a_home_each_command_is_somebody_new_unless_that_will_not_do(
    make_environment: MakeEnvironment,
) -> None:
    env = make_environment()
    env.config_directory.write_text("in the way")
    assert client_key(env, Profile("default"), "http://a") != client_key(env, Profile("default"), "http://a")
    with pytest.raises(OSError, match="secret"):
        client_key(env, Profile("default"), "http://a", lasting=True)


def test_a_secret_on_a_read_only_disk_is_read(
    make_environment: MakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = make_environment()
    first = client_key(env, Profile("default"), "http://a")
    (env.config_directory / "secret").chmod(0o444)

    def read_only(path: Path, mode: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(Path, "chmod", read_only)
    assert client_key(env, Profile("default"), "http://a", lasting=True) == first


@pytest.mark.parametrize("damage", [b"", b"\n", b"\xff\xfe"])
def test_a_secret_that_is_none_is_told_and_not_used(make_environment: MakeEnvironment, damage: bytes) -> None:
    env = make_environment()
    env.config_directory.mkdir()
    (env.config_directory / "secret").write_bytes(damage)
    for lasting in (False, True):
        with pytest.raises(Failure, match="holds no secret") as failure:
            client_key(env, Profile("default"), "http://a", lasting=lasting)
        assert failure.value.code == "damaged"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[profile.default]\nsevrer = 'x'", 'did you mean "server"?'),
        ("[profile.default]\nserver = 8080", "a profile may have server = "),
        ("[profiles.default]\nserver = 'x'", 'did you mean "profile"? profiles look like [profile.work]'),
        ("joins = 3", "write it below [profile.default]"),
    ],
)
def test_what_is_mistyped_is_told_with_what_was_meant(make_environment: MakeEnvironment, text: str, hint: str) -> None:
    write_config(make_environment, text)
    with pytest.raises(Failure) as failure:
        load_profile(make_environment(), None)
    assert failure.value.hint.startswith(hint)
