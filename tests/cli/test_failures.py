"""Whatever goes wrong becomes a sentence, a hint where there is one, and a status with one meaning."""

from __future__ import annotations

import io
import json

import pytest

from chatty.cli.exits import ExitStatus
from chatty.cli.failures import Failure, explain, report
from chatty.errors import CODES, ChattyError, Disconnected, ProtocolError, Refused, Unreachable
from chatty.protocol import Close
from tests.cli.conftest import MakeEnvironment


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("room_not_found"), 3),
        (Refused("unauthorized"), 4),
        (Refused("not_allowed"), 4),
        (Refused("banned"), 4),
        (Refused("name_taken"), 6),
        (Refused("message_too_long"), 6),
        (Refused("rate_limited"), 6),
        (Refused("unavailable"), 5),
        (Refused("uncertain"), 5),
        (Refused("busy"), 5),
        (Refused("internal"), 1),
        (Refused("a_newer_servers_code"), 6),
        (Unreachable("http://x", "timed out"), 5),
        (Disconnected(Close.ROOM_CLOSED), 6),
        (Disconnected(Close.REMOVED), 4),
        (Disconnected(Close.INVALID_COMMANDS), 1),
        (ProtocolError("what"), 1),
        (ChattyError("what"), 1),
        (OSError(28, "No space left on device"), 1),
        (KeyError("x"), 1),
        (Failure(ExitStatus.USAGE, "usage", "x"), 2),
    ],
)
def test_every_error_has_its_status(error: Exception, status: int) -> None:
    assert explain(error).status == status


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_a_refusal_keeps_its_code_and_its_text(code: str) -> None:
    failure = explain(Refused(code))
    assert failure.code == code
    assert failure.message == CODES[code].text


def test_a_fault_of_the_server_names_the_request_under_which_its_log_says_more() -> None:
    fault = Refused("internal", status=500, request_id="4f1c22a0b7d9e310")
    assert explain(fault).hint == "the server's log has this as request_id=4f1c22a0b7d9e310"
    assert explain(Refused("unavailable", retry_after=3, request_id="4f1c22a0b7d9e310")).hint == "try again in 3 s"


def test_hints_tell_what_to_do() -> None:
    for here in ("localhost", "localhost.", "127.8.9.1", "[::1]"):
        assert explain(Unreachable(f"http://{here}:8080", "x")).hint == "start one: chatty serve"
    assert "--server" in explain(Unreachable("http://chat.example", "x")).hint
    assert explain(ProtocolError("x", elsewhere="https://chat.example")).hint == "--server https://chat.example"
    removed = explain(Disconnected(Close.REMOVED, "removed from the room"))
    assert (removed.code, removed.message) == ("not_allowed", "you were removed from the room")
    assert "chatty whoami" in removed.hint
    assert explain(Refused("rate_limited", retry_after=3.2)).hint == "try again in 3 s"


def test_a_mistake_of_ours_is_told_without_a_traceback(make_environment: MakeEnvironment) -> None:
    env = make_environment()
    report(env, explain(KeyError("x")), as_json=False)
    assert isinstance(env.stderr, io.StringIO)
    assert (
        env.stderr.getvalue()
        == "error: internal error: KeyError: 'x'\nhint:  set CHATTY_DEBUG=1 to see the traceback\n"
    )


def test_what_a_server_says_cannot_drive_the_terminal(make_environment: MakeEnvironment) -> None:
    for as_json in (False, True):
        env = make_environment()
        report(env, explain(Refused("busy", "\x1b[2Jgone\nerror: fake")), as_json=as_json)
        assert isinstance(env.stderr, io.StringIO)
        said = env.stderr.getvalue()
        assert "\x1b" not in said
        assert said.count("\n") == 1
        assert not as_json or json.loads(said)["code"] == "busy"
