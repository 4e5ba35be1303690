"""``chatty login``: keeps a token for a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chatty.cli.config import ServerChoice
from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain, usage
from chatty.cli.options import ServerArgument, at_server, environment
from chatty.cli.targets import RoomTarget, about, whole_server
from chatty.errors import Refused

if TYPE_CHECKING:
    from chatty.access import Me, ServerInfo

EXAMPLES: Final = (
    "chatty login https://chat.example.org",
    "chatty login https://chat.example.org < /run/secrets/chatty",
    "chatty login --sso https://chat.example.org",
)


@at_server
def command(
    ctx: typer.Context,
    at: ServerChoice,
    address: ServerArgument = None,
    sso: Annotated[bool, typer.Option("--sso", help="Sign in with your company's account, in any browser.")] = False,
) -> int:
    """Log in to a server, with a token or by signing in.

    It asks for the token, which isn't shown; without a terminal, the token is
    the first line of standard input. It is kept in a file that only you can
    read, and your other commands show it to this server, and to no other.

    With --sso it needs no token: it says which page to open and which code to
    type there. As long as your company lets you, the login is renewed by itself.
    """
    from chatty.cli.runner import run

    env = environment(ctx)
    target = whole_server(env, at._replace(server=address or at.server))
    if not sso:
        return run(_login(env, target, from_file=at.token_file is not None))
    if at.token_file is not None:
        raise usage("--sso and --token-file both say how to log in", "choose one of them")
    return run(_sign_in(env, target))


async def _sign_in(env: Environment, target: RoomTarget) -> int:
    from chatty.cli.credentials import SignIn, check_safe, end_of, remember_login
    from chatty.cli.terminal.cleaning import clean
    from chatty.client.oidc import Provider

    server, profile = target.server, target.profile
    check_safe(server, insecure=profile.insecure)
    async with target.http(None) as http:
        info = await http.server_info()
        if info.oidc is None:
            raise _no_sign_in(server, info)
        issuer, client_id = info.oidc.issuer, info.oidc.client_id
        async with Provider(issuer, client_id, cacert=profile.cacert, insecure=profile.insecure) as provider:
            device = await provider.begin()
            env.err(f"open {clean(device.verification_uri, newlines=False)}")
            env.err(f"and enter {clean(device.user_code, newlines=False)}")
            tokens = await provider.finish(device)
        with _advice_on_names():
            issued = await http.sign_in(tokens.id_token)
    async with target.http(issued.token) as http:
        me = await http.me()
    sign_in = SignIn(issuer, client_id, tokens.refresh_token, end_of(issued))
    remember_login(env, profile, server, issued.token, sign_in)
    _tell(env, server, me)
    return ExitStatus.DONE


@contextmanager
def _advice_on_names() -> Iterator[None]:
    """Where a name is refused: it isn't chosen here."""
    try:
        yield
    except Refused as refused:
        if refused.code not in ("name_taken", "name_invalid"):
            raise
        failure = explain(refused)
        failure.hint = "your name comes from the sign-in; those who run that can give you another one there"
        raise failure from None


def _no_sign_in(server: str, info: ServerInfo) -> Failure:
    from chatty.client.network.address import first_of

    if "proxy" in info.sign_in:
        ask = f"curl -X POST {first_of(server)}/v1/login"
        hint = f"have its proxy let you in, as with {ask}, and log in with the token it answers"
    else:
        hint = f"an administrator gives you a token for: chatty login {server}"
    return Failure(ExitStatus.NOT_ALLOWED, "not_allowed", f"nobody signs in to {server} by a code", hint)


async def _login(env: Environment, target: RoomTarget, *, from_file: bool) -> int:
    from chatty.cli.credentials import check_safe, remember_login

    check_safe(target.server, insecure=target.profile.insecure)
    token = _token(env, target, from_file=from_file)
    with about(env, target._replace(profile=target.profile._replace(token_file=None))):
        async with target.http(token) as http:
            me = await http.me()
    remember_login(env, target.profile, target.server, token)
    _tell(env, target.server, me)
    return ExitStatus.DONE


def _tell(env: Environment, server: str, me: Me) -> None:
    from chatty.cli.terminal.cleaning import clean

    _remember_rooms(env, server, me)
    name = clean(me.name, newlines=False) if me.name else "yourself"
    env.out(f"logged in to {server} as {name}")
    if env.environ.get("CHATTY_TOKEN_FILE"):
        env.err("note:  CHATTY_TOKEN_FILE is set, and goes before this login")


def _token(env: Environment, target: RoomTarget, *, from_file: bool) -> str:
    from chatty.cli.credentials import read_token
    from chatty.client.identity import TokenFile
    from chatty.credentials import is_token

    if from_file:
        assert target.profile.token_file is not None
        return read_token(TokenFile(target.profile.token_file))
    if env.stdin.isatty():
        import getpass

        given = getpass.getpass(f"Token for {target.server}: ", stream=env.stderr)
    else:
        given = env.stdin.readline()
    if not is_token(given.strip()):
        raise Failure(
            ExitStatus.NOT_ALLOWED,
            "unauthorized",
            "this is not a token: it begins with chatty_t and has 57 characters, of which the last ones are a checksum",
            "copy it as a whole; an administrator makes one with: chatty token create",
        )
    return given.strip()


def _remember_rooms(env: Environment, server: str, me: Me) -> None:
    """Call the rooms to which the token leads by their names from now on."""
    from chatty.cli.room_list import KnownRoom, remember

    try:
        for room in me.rooms:
            remember(env, KnownRoom(room.id, room.name, server, since=env.now()))
    except (OSError, Failure) as error:
        env.err(f"warning: your rooms are not remembered ({explain(error).message})")
