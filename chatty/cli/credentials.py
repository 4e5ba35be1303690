"""Which credential a command shows to a server, and the logins that are kept for that.

A token is the user's at one server: it goes to that server alone, and never in
the clear over a network unless the user says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from chatty.cli.config import Profile, client_key
from chatty.cli.environment import Environment, NoHome
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, usage
from chatty.cli.private_files import locked, write_private
from chatty.client.identity import Credential, TokenFile
from chatty.client.network.address import canonical_url, is_this_machine
from chatty.errors import ProtocolError, Refused, Unreachable

if TYPE_CHECKING:
    from chatty.access import IssuedToken
    from chatty.client.oidc import Tokens

__all__ = [
    "Login",
    "SignIn",
    "check_safe",
    "credential",
    "end_of",
    "forget_login",
    "login_at",
    "read_token",
    "remember_login",
]

FILE: Final = "logins.json"
RENEWAL: Final = "renewal"
"""The name of the lock of those who renew a login."""
EARLY: Final = 30.0
"""Seconds before its end in which a login is renewed."""


class SignIn(Struct, frozen=True):
    """How a login came about, so that it can be renewed: ``refresh_token`` is empty if it can't, or no longer."""

    issuer: str
    client_id: str
    refresh_token: str
    expires_at: float


class Login(Struct, frozen=True, omit_defaults=True):
    """The token that a profile was given for ``server``, an address as of `canonical_url`.

    ``insecure``: the user has said that it may travel there unencrypted.
    """

    server: str
    profile: str
    token: str
    insecure: bool = False
    sign_in: SignIn | None = None


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


def check_safe(server: str, *, insecure: bool, what: str = "a token") -> None:
    """Raise Failure (usage) if ``what``, a secret, could be read on its way to ``server`` or from there."""
    for address in server.split(","):
        parts = urlsplit(address)
        if not (parts.scheme == "https" or insecure or is_this_machine(parts.hostname or "")):
            raise usage(
                f"{what} for {address} could be read on the way there, and is not sent",
                f"use https://{parts.netloc}; or, if nobody can listen in on your network: --insecure",
            )


class _Kept:
    """The token of a login, also after another login, and a renewed one where that is possible."""

    def __init__(self, env: Environment, profile: Profile, server: str, token: str) -> None:
        self._env, self._profile, self._server, self._token = env, profile, server, token

    def __call__(self) -> str:
        try:
            login = login_at(self._env, self._profile, self._server)
        except (OSError, Failure):
            login = None
        self._token = login.token if login else self._token
        return self._token

    def fresh(self, refused: str) -> str:
        """The token, after it was renewed if it has run out, or soon will, or is the one that was ``refused``."""
        token = self()
        login: Login | None = None
        try:
            login = self._due(refused)
            return token if login is None else self._renewed(refused)
        except (OSError, Failure, Unreachable, ProtocolError):
            return token  # the server says what is wrong with it, if anything is
        except Refused:
            if login is None or (login.token != refused and not _has_ended(self._env, login)):
                return token
            raise

    def _due(self, refused: str) -> Login | None:
        """The login, if it has to be renewed and can be."""
        login = login_at(self._env, self._profile, self._server)
        if login is None or login.sign_in is None or not login.sign_in.refresh_token:
            return None
        return login if login.token == refused or _has_ended(self._env, login, early=EARLY) else None

    def _renewed(self, refused: str) -> str:
        """A renewed token. Commands that run at the same time wait for one of them: a refresh token is used once."""
        with locked(self._env.state_directory / RENEWAL):
            login = self._due(refused)
            if login is None or login.sign_in is None:
                return self()
            sign_in = login.sign_in
            insecure = self._profile.insecure or login.insecure
            try:
                tokens = asyncio.run(_renewed_tokens(sign_in, self._profile, insecure=insecure))
            except Refused:  # it is over: somebody has to sign in
                self._keep(login, login.token, replace(sign_in, refresh_token=""))
                return login.token
            sign_in = replace(sign_in, refresh_token=tokens.refresh_token)
            self._keep(login, login.token, sign_in)  # at once, because the earlier one no longer counts
            issued = asyncio.run(_exchanged(self._server, self._profile, tokens.id_token))
            self._keep(login, issued.token, replace(sign_in, expires_at=end_of(issued)))
            return issued.token

    def _keep(self, login: Login, token: str, sign_in: SignIn) -> None:
        if login_at(self._env, self._profile, self._server) is not None:  # nobody has logged out meanwhile
            profile = self._profile._replace(insecure=login.insecure)
            remember_login(self._env, profile, self._server, token, sign_in)
        self._token = token


def _has_ended(env: Environment, login: Login, *, early: float = 0.0) -> bool:
    return login.sign_in is not None and login.sign_in.expires_at - early <= env.now()


async def _renewed_tokens(sign_in: SignIn, profile: Profile, *, insecure: bool) -> Tokens:
    from chatty.client.oidc import Provider

    async with Provider(sign_in.issuer, sign_in.client_id, cacert=profile.cacert, insecure=insecure) as provider:
        return await provider.renew(sign_in.refresh_token)


async def _exchanged(server: str, profile: Profile, id_token: str) -> IssuedToken:
    from chatty.client.http import Http

    async with Http(server, cacert=profile.cacert) as http:
        return await http.sign_in(id_token)


def end_of(issued: IssuedToken) -> float:
    """When a token ends, in seconds since 1970; infinite if never."""
    from datetime import datetime

    return datetime.fromisoformat(issued.expires_at).timestamp() if issued.expires_at else float("inf")


def login_at(env: Environment, profile: Profile, server: str) -> Login | None:
    """The login of ``profile`` at ``server``. Raises OSError, and Failure if the file is damaged."""
    try:
        path = env.state_directory / FILE
    except NoHome:
        return None
    return _find(_read(path), profile, server)


def remember_login(env: Environment, profile: Profile, server: str, token: str, sign_in: SignIn | None = None) -> None:
    """Keep the token in the place of an earlier one, and how to renew it. Raises OSError and Failure."""
    with _changing(env) as logins:
        if earlier := _find(logins, profile, server):
            logins.remove(earlier)
        logins.append(Login(canonical_url(server), profile.profile, token, profile.insecure, sign_in))


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
