"""The user's profiles: which server, under which name, and the secret that identifies the user."""

from __future__ import annotations

import os
import tomllib
import unicodedata
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.paths import as_path
from chatty.cli.private_files import write_private
from chatty.names import BadName, check_name

__all__ = [
    "Profile",
    "ServerChoice",
    "client_key",
    "config_file",
    "load_profile",
    "login_name",
    "parsed",
    "profiles",
    "read_config",
]

DEFAULT = "default"
_KEYS = ("server", "name", "cacert")
_TABLES = ("profile", "join")
_NAME_POINTS = 32  # chatty.protocol.NAME_POINTS, which costs msgspec to import


class ServerChoice(NamedTuple):
    """The options that say which server a command talks to, and as whom."""

    server: str | None = None
    profile: str | None = None
    cacert: Path | None = None
    token_file: Path | None = None
    insecure: bool = False


class Profile(NamedTuple):
    """One ``[profile.x]`` of config.toml. ``server`` and ``name`` are None if it has none."""

    profile: str
    server: str | None = None
    name: str | None = None
    cacert: Path | None = None
    """The authorities to trust: ``--cacert``, else ``CHATTY_CACERT``, else the profile's, else the system's."""
    token_file: Path | None = None
    """The file with the token to show: ``--token-file``, else ``CHATTY_TOKEN_FILE``."""
    insecure: bool = False
    """Whether a token may travel unencrypted: ``--insecure``."""


def load_profile(env: Environment, chosen: str | None, cacert: Path | None = None) -> Profile:
    """The profile that ``--profile`` or ``CHATTY_PROFILE`` names, else ``default``, which needn't exist.

    Raises Failure (usage) for a profile that doesn't exist, for a config.toml
    that makes no sense, and for a file without certificates. Raises OSError if
    the file with the wanted profile can't be read.
    """
    profile = chosen or env.environ.get("CHATTY_PROFILE") or DEFAULT
    try:
        known = profiles(env)
    except PermissionError as error:  # in another user's home: a service may change its user and nothing else
        if profile != DEFAULT:
            raise
        env.err(f"warning: {error.filename} is not read ({error.strerror})")
        known = {}
    if profile == DEFAULT and profile not in known:
        return Profile(DEFAULT, cacert=_trusted(env, cacert, None))
    path = config_file(env)
    if profile not in known:
        close = get_close_matches(profile, known, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"add it there as [profile.{profile}]"
        raise usage(f'no profile "{profile}" in {path}', hint)
    settings = known[profile]
    for key, value in settings.items():
        if key == "join":  # settings of chatty join, which warns of what is wrong there
            continue
        if key not in _KEYS or not isinstance(value, str):
            close = get_close_matches(key, _KEYS, n=1)
            hint = 'a profile may have server = "…", name = "…" and cacert = "…"'
            if close and key not in _KEYS:
                hint = f'did you mean "{close[0]}"?'
            raise usage(f'{path}: profile "{profile}": "{key}" is not understood', hint)
    trusted = _trusted(env, cacert, settings.get("cacert"))
    return Profile(profile, settings.get("server"), settings.get("name"), trusted)


def _trusted(env: Environment, option: Path | None, setting: str | None) -> Path | None:
    variable = env.environ.get("CHATTY_CACERT")
    try:
        if option or variable:
            file = option or as_path(variable or "")
        elif setting is not None:
            file = env.config_directory / as_path(setting)
        else:
            return None
        from chatty.client.network.tls import trusting

        trusting(file)
    except OSError as error:
        raise usage(f"no certificates in {error.filename} ({error.strerror})", "--cacert names a PEM file") from None
    except ValueError as error:
        raise usage(str(error), "--cacert names a PEM file") from None
    return file.absolute()  # commands that are started in other directories get it, too


def config_file(env: Environment) -> Path:
    """The user's config.toml, whether it exists or not. Raises NoHome."""
    return env.config_directory / "config.toml"


def read_config(env: Environment) -> dict[str, Any]:
    """All that config.toml says; nothing if there is none. Raises Failure (usage) if it is not TOML, and OSError."""
    try:
        path = config_file(env)
        return parsed(path, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):  # NoHome is one, too
        return {}


def parsed(path: Path, data: bytes) -> dict[str, Any]:
    """The content of the config.toml at ``path``. Raises Failure (usage) if it is not TOML."""
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise usage(f"{path} is not UTF-8", "save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise usage(f"{path}: {error}") from None


def profiles(env: Environment) -> dict[str, dict[str, Any]]:
    """The settings of each profile in config.toml. Raises Failure (usage) if the file makes no sense."""
    config = read_config(env)
    found = config.get("profile", {})
    for unknown, value in config.items():
        table = isinstance(value, dict)
        meant = get_close_matches(unknown, _TABLES, n=1)
        if unknown in _TABLES or (table and meant == ["join"]):  # chatty join warns of what is wrong there
            continue
        hint = "profiles look like [profile.work]" if table else "write it below [profile.default]"
        if meant == ["profile"]:
            hint = f'did you mean "profile"? {hint}'
        raise usage(f'{config_file(env)}: {"table " if table else ""}"{unknown}" is not understood', hint)
    if not isinstance(found, dict) or not all(isinstance(settings, dict) for settings in found.values()):
        raise usage(f"{config_file(env)}: a profile is a table", "profiles look like [profile.work]")
    return found


def client_key(env: Environment, profile: Profile, server: str, *, lasting: bool = False) -> str:
    """The key that identifies the user to ``server``, derived from the profile's secret.

    The secret is made when it is first needed. If it can be neither read nor
    kept, as in a container without a home, each command is somebody new. Raises
    OSError instead if the identity has to be a ``lasting`` one, and Failure if
    the file doesn't hold a secret.
    """
    from chatty.client.identity import derive_key, new_secret

    name = "secret" if profile.profile == DEFAULT else f"secret-{profile.profile}"
    try:
        path = env.config_directory / name
        try:
            secret = path.read_bytes().strip()
        except FileNotFoundError:
            write_private(path, new_secret().encode() + b"\n", replace=False)
            secret = path.read_bytes().strip()  # of two commands that start at once, the first one's
        exposed = path.stat().st_mode & 0o077
    except OSError:
        if lasting:
            raise
        return new_secret()
    if not secret or not secret.isascii():
        hint = "remove it to get a new one, and be somebody new to every server"
        raise Failure(ExitStatus.FAILED, "damaged", f"{path} holds no secret", hint)
    if exposed:
        with suppress(OSError):  # a read-only disk, perhaps a container's, is its owner's care
            path.chmod(0o600)
    return derive_key(secret.decode("ascii"), server)


def login_name(env: Environment) -> str:
    """The default name: the login name, changed into a valid name if necessary."""
    import getpass

    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        login = f"user-{os.getuid()}"
    visible = "".join(character for character in login if not unicodedata.category(character).startswith(("C", "Z")))
    visible = visible[:_NAME_POINTS]
    for name in (visible, f"{visible}-user", "".join(filter(str.isalnum, visible))):
        with suppress(BadName):
            return check_name(name, points=_NAME_POINTS)
    return "somebody"
