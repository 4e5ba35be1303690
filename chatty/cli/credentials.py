"""Which credential a command shows to a server, and the logins that are kept for that.

A token is the user's at one server: it goes to that server alone, and never in
the clear over a network unless the user says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from chatty.cli.config import Profile, client_key
from chatty.cli.environment import Environment, NoHome
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.private_files import locked, write_private
from chatty.client.identity import Credential, TokenFile
from chatty.client.network.address import canonical_url, is_this_machine

__all__ = ["Login", "check_safe", "credential", "forget_login", "login_at", "read_token", "remember_login"]

FILE: Final = "logins.json"


class Login(Struct, frozen=True):
    """The token that a profile was given for ``server``, an address as of `canonical_url`.

    ``insecure``: the user has said that it may travel there unencrypted.
    """

    server: str
    profile: str
    token: str
    insecure: bool = False


class _File(Struct, frozen=True):
    logins: list[Login]


def credential(env: Environment, profile: Profile, server: str, *, lasting: bool = False) -> Credential:
    """What the user shows to ``server``: the token in the profile's ``token_file``, else of a login, else the key.

    A token is read again whenever it is needed, so it may be replaced while the
    command runs. Raises Failure (usage) if there is no token in the file, or if it
    would travel unencrypted; and what `client_key` does.
    """
    if profile.token_file:
        check_safe(server, insecure=profile.insecure)
        source = TokenFile(profile.token_file)
        read_token(source)
        return source
    login = login_at(env, profile, server)
    if login is None:
        return client_key(env, profile, server, lasting=lasting)
    check_safe(server, insecure=profile.insecure or login.insecure)
    return _Kept(env, profile, server, login.token)


def read_token(file: TokenFile) -> str:
    """The token in ``file``. Raises Failure (usage) if there is none."""
    try:
        return file()
    except OSError as error:
        raise usage(f"no token can be read from {file.path} ({error.strerror})", "--token-file names a file") from None
    except ValueError as error:
        raise usage(str(error), "it holds what `chatty token create` printed, and nothing else") from None


def check_safe(server: str, *, insecure: bool) -> None:
    """Raise Failure (usage) if a secret that is sent to ``server`` could be read on the way."""
    parts = urlsplit(server)
    if parts.scheme == "https" or insecure or is_this_machine(parts.hostname or ""):
        return
    raise usage(
        f"a token for {server} could be read on the way there, and is not sent",
        f"use https://{parts.netloc}; or, if nobody can listen in on your network: --insecure",
    )


class _Kept:
    """The token of a login, also after another login."""

    def __init__(self, env: Environment, profile: Profile, server: str, token: str) -> None:
        self._env, self._profile, self._server, self._token = env, profile, server, token

    def __call__(self) -> str:
        try:
            login = login_at(self._env, self._profile, self._server)
        except (OSError, Failure):
            login = None
        self._token = login.token if login else self._token
        return self._token


def login_at(env: Environment, profile: Profile, server: str) -> Login | None:
    """The login of ``profile`` at ``server``. Raises OSError, and Failure if the file is damaged."""
    try:
        path = env.state_directory / FILE
    except NoHome:
        return None
    return _find(_read(path), profile, server)


def remember_login(env: Environment, profile: Profile, server: str, token: str) -> None:
    """Keep the token in the place of an earlier one. Raises OSError and Failure."""
    with _changing(env) as logins:
        if earlier := _find(logins, profile, server):
            logins.remove(earlier)
        logins.append(Login(canonical_url(server), profile.profile, token, profile.insecure))


def forget_login(env: Environment, profile: Profile, server: str) -> bool:
    """Forget the token, and give whether there was one. Raises OSError and Failure."""
    if login_at(env, profile, server) is None:
        return False
    with _changing(env) as logins:
        if login := _find(logins, profile, server):
            logins.remove(login)
    return True


@contextmanager
def _changing(env: Environment) -> Iterator[list[Login]]:
    path = env.state_directory / FILE
    with locked(path):
        logins = _read(path)
        yield logins
        write_private(path, msgspec.json.encode(_File(logins)))


def _find(logins: list[Login], profile: Profile, server: str) -> Login | None:
    here = (canonical_url(server), profile.profile)
    return next((login for login in logins if (login.server, login.profile) == here), None)


def _read(path: Path) -> list[Login]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).logins
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(
            ExitStatus.FAILED, "damaged", f"{path} is damaged ({type(error).__name__})", "remove it, and log in again"
        ) from None
