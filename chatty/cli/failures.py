"""How a command fails: with an ``error:`` line, a ``hint:`` line and an exit status."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from chatty.cli.environment import Environment
from chatty.cli.exits import ExitStatus
from chatty.cli.terminal.cleaning import clean
from chatty.client.network.address import is_this_machine
from chatty.errors import ChattyError, Disconnected, ProtocolError, Refused, Unreachable

__all__ = ["Failure", "advice_on_names", "explain", "explain_one_of", "report", "report_as_log", "usage"]

_STATUS = {
    "bad_request": ExitStatus.FAILED,
    "busy": ExitStatus.UNREACHABLE,
    "internal": ExitStatus.FAILED,
    "method_not_allowed": ExitStatus.FAILED,
    "unavailable": ExitStatus.UNREACHABLE,
    "uncertain": ExitStatus.UNREACHABLE,
    "unsupported_media_type": ExitStatus.FAILED,
    "upgrade_required": ExitStatus.FAILED,
    "room_not_found": ExitStatus.NO_SUCH_ROOM,
    "banned": ExitStatus.NOT_ALLOWED,
    "muted": ExitStatus.NOT_ALLOWED,
    "not_allowed": ExitStatus.NOT_ALLOWED,
    "not_admitted": ExitStatus.NOT_ALLOWED,
    "room_locked": ExitStatus.NOT_ALLOWED,
    "unauthorized": ExitStatus.NOT_ALLOWED,
}
"""Refusals with a status of their own. All others, those of newer servers included, are REFUSED."""

_REMOVED, _ROOM_CLOSED = 4503, 4510  # of chatty.protocol.Close, which costs msgspec to import

_HINTS = {
    "not_admitted": "check that it is whole and for this room, or ask for another invitation",
    "name_invalid": "choose a name: --name NAME",
    "name_taken": "choose a name: --name NAME",
    "room_closed": "read what was said: chatty history ROOM",
}


class Failure(Exception):
    """Why a command could not do its work. ``code`` is for programs, the texts are for people."""

    def __init__(self, status: ExitStatus, code: str, message: str, hint: str = "") -> None:
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        super().__init__(status, code, message, hint)


def usage(message: str, hint: str = "") -> Failure:
    """The failure of a command line that makes no sense."""
    return Failure(ExitStatus.USAGE, "usage", message, hint)


def explain(error: Exception) -> Failure:
    """Any exception as a failure that a person can act on."""
    match error:
        case Failure():
            return error
        case Refused():
            wait = f"try again in {error.retry_after:.0f} s" if error.retry_after else ""
            look = f"the server's log has this as request_id={error.request_id}" if error.request_id else ""
            status = _STATUS.get(error.code, ExitStatus.REFUSED)
            return Failure(status, error.code, error.message, wait or _HINTS.get(error.code, "") or look)
        case Unreachable():
            return Failure(ExitStatus.UNREACHABLE, "unreachable", str(error), _how_to_reach(error))
        case Disconnected(code=code) if code == _REMOVED:
            hint = "somebody sent you out, or took away your right to read it; chatty whoami shows what you may"
            return Failure(ExitStatus.NOT_ALLOWED, "not_allowed", "you were removed from the room", hint)
        case Disconnected(code=code) if code == _ROOM_CLOSED:
            return Failure(ExitStatus.REFUSED, "room_closed", str(error))
        case Disconnected():
            return Failure(ExitStatus.FAILED, "disconnected", str(error))
        case ProtocolError():
            hint = f"--server {error.elsewhere}" if error.elsewhere else "is this the address of a chatty server?"
            return Failure(ExitStatus.FAILED, "protocol", str(error), hint)
        case ChattyError():
            return Failure(ExitStatus.FAILED, "failed", str(error), getattr(error, "hint", ""))
        case OSError():
            where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
            return Failure(ExitStatus.FAILED, "system", where + (error.strerror or str(error)))
        case RuntimeError() if "can't start new thread" in str(error):
            hint = "raise the limit of processes and threads: ulimit -u, or the container's pids limit"
            return Failure(ExitStatus.FAILED, "system", "no thread can be started", hint)
        case ImportError(name="_sqlite3"):
            hint = "use a Python that has it: the container image, or one from python.org or uv"
            return Failure(ExitStatus.FAILED, "failed", f"this Python has no SQLite that it can use ({error})", hint)
        case ImportError(name="nats"):
            hint = "install it: pip install 'chatty-rooms[cluster]'"
            return Failure(ExitStatus.USAGE, "usage", "a cluster needs NATS", hint)
        case _:
            what = f"{type(error).__name__}: {error}".removesuffix(": ")
            return Failure(
                ExitStatus.FAILED, "internal", f"internal error: {what}", "set CHATTY_DEBUG=1 to see the traceback"
            )


def explain_one_of(count: int, name: str, error: Exception) -> Failure:
    """Any exception about the room called ``name`` as a failure, which names it if it is one of several."""
    failure = explain(error)
    if count > 1 and name not in failure.message:
        failure.message = f"{name}: {failure.message}"
    return failure


@contextmanager
def advice_on_names(hint: str) -> Iterator[None]:
    """Give ``hint`` if a name is refused inside, which is not the user's own."""
    try:
        yield
    except Refused as refusal:
        if refusal.code != "name_invalid":
            raise
        failure = explain(refusal)
        failure.hint = hint
        raise failure from None


def report(env: Environment, failure: Failure, *, as_json: bool, color: bool | None = None) -> None:
    """Write to standard error what went wrong; as JSON, with the keys of the wire's error frame and two more.

    ``color`` is what an option asks for; None: the environment decides.
    """
    message, hint = clean(failure.message, newlines=False), clean(failure.hint, newlines=False)
    if as_json:
        import msgspec

        frame = {"event_type": "error", "code": failure.code, "message": message, "exit": int(failure.status)}
        env.err(msgspec.json.encode(frame | ({"hint": hint} if hint else {})).decode())
        return
    label = "\x1b[1;31merror:\x1b[0m" if env.color(color, env.stderr) else "error:"
    env.err(f"{label} {message}")
    if hint:
        env.err(f"hint:  {hint}")


def report_as_log(env: Environment, failure: Failure) -> None:
    """Write what went wrong as a line of the server's log in JSON."""
    from datetime import UTC, datetime

    import msgspec

    at = datetime.fromtimestamp(env.now(), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    line = {"event": failure.message, "code": failure.code, "exit": int(failure.status), "level": "error"}
    line |= {"hint": failure.hint} if failure.hint else {}
    env.err(msgspec.json.encode(line | {"timestamp": at}).decode())


def _how_to_reach(error: Unreachable) -> str:
    server = error.server
    match error.because:
        case "certificate":
            return "if an authority of your own vouches for it, name its certificate: --cacert FILE"
        case "plain":
            return f"try --server {server.replace('https:', 'http:')}"
        case "proxy":
            return "HTTPS_PROXY or HTTP_PROXY says so; to go without, list the server's name in NO_PROXY"
    if is_this_machine(urlsplit(server).hostname or ""):
        return "start one: chatty serve"
    return "is the address right? name another one: --server URL"
