"""`run` runs a command as if it were not there, and a room learns how it went."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from aiohttp import web

from chatty.client.identity import derive_key
from tests.cli.commands.test_send import wait_until
from tests.cli.user import User
from tests.support.scripted import Scripted
from tests.support.server import PATIENCE, ROOT, Server


def messages(server: Server, room: str) -> list[tuple[int, str]]:
    """(what it replies to, text) of each message, as it is now."""
    return [
        (event.get("reply_to", 0), event["text"]) for event in server.history(room) if event["event_type"] == "message"
    ]


def without_time(text: str) -> str:
    return re.sub(r"(after|in|·) \d+(\.\d)? s", r"\1 N s", text)


# --- what becomes of the command ----------------------------------------------------------------------------


def test_the_commands_input_and_output_are_its_own(user: User, room: str) -> None:
    given = bytes(range(256)) * 2_000
    done = user.run("run", room, "--", "sh", "-c", "tee /dev/stderr", said=given)
    assert (done.stdout, done.stderr) == (given, given)


@pytest.mark.parametrize("status", [0, 1, 77, 255])
def test_it_ends_with_the_commands_status(user: User, room: str, status: int) -> None:
    user.run("run", room, "--", "sh", "-c", f"exit {status}", status=status)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_it_ends_by_the_commands_signal(user: User, server: Server, room: str, number: signal.Signals) -> None:
    user.run("run", room, "--", "sh", "-c", f"kill -{int(number)} $$", status=-number)
    assert f"killed by {number.name}" in messages(server, room)[-1][1]


PASSED_ON = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]


@pytest.mark.parametrize("number", PASSED_ON)
def test_signals_are_passed_on_and_the_command_decides(user: User, room: str, number: signal.Signals) -> None:
    wanted = f"{{{int(number)}}}"
    script = f"import signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {wanted}); print(1, flush=True)\n"
    command = (sys.executable, "-c", f"{script}sys.exit(9 if signal.sigwait({wanted}) else 0)")
    # Without the terminal of these tests: it would be taken to have sent the signal to both.
    process = user.start("run", room, "--", *command, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    process.send_signal(number)
    assert process.wait(PATIENCE) == 9


@pytest.mark.parametrize(("key", "number"), [("c", signal.SIGINT), ("\\", signal.SIGQUIT)])
def test_ctrl_c_and_its_like_reach_the_command_once(
    user: User, room: str, tmp_path: Path, key: str, number: signal.Signals
) -> None:
    script = tmp_path / "command.py"
    script.write_text(
        "import signal\n"
        f"both = {{signal.{number.name}, signal.SIGTERM}}\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, both)\n"
        "print('ready', flush=True)\n"
        f"while (number := signal.sigwait(both)) == signal.{number.name}:\n"
        "    print('interrupt', flush=True)\n"
        "print('end', flush=True)\n"
    )
    arguments = ["-m", "chatty", "run", room, "--", sys.executable, str(script)]
    terminal = pexpect.spawn(sys.executable, arguments, env=user.env, cwd=str(ROOT), timeout=PATIENCE, encoding="utf-8")
    terminal.expect("ready")
    terminal.sendcontrol(key)
    terminal.expect("interrupt")
    terminal.kill(signal.SIGTERM)  # is passed on behind whatever else is
    terminal.expect("end")
    assert "interrupt" not in str(terminal.before)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_a_command_that_is_not_there_is_127_and_the_room_learns_it(user: User, server: Server, room: str) -> None:
    assert user.fails(127, "run", room, "--", "no-such-command") == (
        "error: no-such-command: No such file or directory\n"
    )
    assert messages(server, room)[-1][1] == "✖ `no-such-command`: could not be started (No such file or directory)"


def test_a_command_that_cannot_be_run_is_126(user: User, room: str, tmp_path: Path) -> None:
    user.fails(126, "run", room, "--", str(tmp_path))


def test_what_it_leaves_running_is_not_waited_for(user: User, server: Server, room: str, tmp_path: Path) -> None:
    done = user.run("run", room, "--", "sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid; seq 20000")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert done.stdout.split()[-1] == b"20000"
    assert "\n20000\n```" in messages(server, room)[-1][1]


def test_what_it_leaves_running_is_not_waited_for_even_if_it_prints_on(user: User, room: str, tmp_path: Path) -> None:
    user.run("run", room, "--", "sh", "-c", f"yes & echo $! > {tmp_path}/pid", stdout=subprocess.DEVNULL)
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text())


def test_a_script_without_a_first_line_is_run_as_anybody_would(user: User, room: str, tmp_path: Path) -> None:
    script = tmp_path / "no-command"
    script.write_text('echo "$0:$1"; exit 7')
    script.chmod(0o755)
    assert user.run("run", room, "--", str(script), "a b", status=7).stdout == f"{script}:a b\n".encode()
    found = {**user.env, "PATH": f"{tmp_path}:{user.env['PATH']}"}
    assert user.run("run", room, "--", "no-command", "x", status=7, env=found).stdout == f"{script}:x\n".encode()


def test_whoever_ignores_the_deaths_of_children_gets_the_commands_status_all_the_same(user: User, room: str) -> None:
    user.run("run", room, "--", "sh", "-c", "exit 3", status=3, preexec_fn=ignore_the_deaths_of_children)


def ignore_the_deaths_of_children() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def test_both_streams_in_one_file_keep_their_order(user: User, room: str, tmp_path: Path) -> None:
    script = "import os\nfor n in range(300): os.write(1, b'out %d\\n' % n); os.write(2, b'err %d\\n' % n)"
    with (tmp_path / "log").open("wb") as log:
        user.run("run", room, "--", sys.executable, "-c", script, stdout=log, stderr=log)
    told = (tmp_path / "log").read_text().splitlines()
    assert told == [f"{word} {number}" for number in range(300) for word in ("out", "err")]


def test_a_signal_ends_the_waiting_for_a_reader_that_does_not_read(user: User, server: Server, room: str) -> None:
    reader, writer = os.pipe()
    script = "import os; os.write(1, b'x' * 150_000)"  # more than the reader's pipe holds, less than all on the way
    process = user.start("run", room, "--", sys.executable, "-c", script, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    ended = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: not ended.read_text() and server.texts(room) != [])
    process.terminate()
    _, told = process.communicate(timeout=PATIENCE)
    os.close(reader)
    assert process.returncode == 1
    assert b"error: cannot pass on what the command prints (nobody read it)\n" in told


def test_output_that_a_full_disk_loses_is_no_success(user: User, server: Server, room: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = user.run("run", room, "--only-failures", "--", "echo", "hi", status=1, stdout=full)
        user.run("run", room, "--", "sh", "-c", "echo hi; exit 4", status=4, stdout=full)
    assert done.stderr == b"error: cannot pass on what the command prints (No space left on device)\n"
    lost, _, failed = server.texts(room)
    assert without_time(lost).startswith("✖ `echo hi`: done, output lost (No space left on device) after N s")
    assert "failed with 4, output lost (No space left on device)" in failed


def test_a_signal_without_a_name_has_its_number(user: User, server: Server, room: str) -> None:
    number = signal.SIGRTMIN + 1
    user.run("run", room, "--", "sh", "-c", f"kill -{int(number)} $$", status=-number)
    assert f"killed by signal {int(number)}" in messages(server, room)[-1][1]


def test_whoever_stops_reading_ends_the_command_as_without_it(user: User, room: str) -> None:
    process = user.start("run", room, "--", "yes")
    assert process.stdout is not None
    assert process.stdout.read(2) == b"y\n"
    process.stdout.close()
    assert process.wait(PATIENCE) == -signal.SIGPIPE


def test_a_slow_reader_loses_nothing(user: User, room: str) -> None:
    process = user.start("run", room, "--", "seq", "100000", stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    data = b""
    while chunk := process.stdout.read(1_000):
        data += chunk
    assert data == b"".join(b"%d\n" % number for number in range(1, 100_001))
    assert process.wait(PATIENCE) == 0


# --- what the room is told ----------------------------------------------------------------------------------


def test_the_room_learns_the_beginning_and_the_result(user: User, server: Server, room: str) -> None:
    user.here.run("run", room, "--", "sh", "-c", "echo one; echo two >&2; exit 3", status=3)
    (_, begun), (replied, result) = messages(server, room)
    first = server.history(room)[0]
    assert begun == "▶ `sh -c 'echo one; echo two >&2; exit 3'`"
    assert replied == first["seq"]
    assert first["participant"] == "John"
    assert without_time(result) in {
        f"✖ {begun[2:]}: failed with 3 after N s\n```\n{lines}\n```" for lines in ("one\ntwo", "two\none")
    }


def test_a_success_shows_few_of_its_lines_and_a_failure_many(user: User, server: Server, room: str) -> None:
    for status, shown in ((0, range(98, 101)), (3, range(51, 101))):
        user.here.run("run", room, "--", "sh", "-c", f"seq 100; exit {status}", status=status)
        *_, result = server.texts(room)
        assert [int(line) for line in result.splitlines()[2:-1]] == [*shown]


def test_success_says_so(user: User, server: Server, room: str) -> None:
    user.here.run("run", room, "--", "true")
    assert [without_time(text) for _, text in messages(server, room)] == ["▶ `true`", "✔ `true`: done in N s"]


def test_while_it_runs_one_message_shows_its_last_lines(user: User, server: Server, room: str, tmp_path: Path) -> None:
    script = f"seq 30; until test -e {tmp_path}/go; do sleep 0.05; done; echo end"
    process = user.start("run", room, "--", "sh", "-c", script)
    wait_until(lambda: "```" in "".join(server.texts(room)))
    text = server.texts(room)[0]
    assert [int(line) for line in text.splitlines()[2:-1]] == list(range(21, 31))
    (tmp_path / "go").touch()
    assert process.wait(PATIENCE) == 0
    begun, result = server.texts(room)
    assert begun.startswith("▶ `sh -c")
    assert "```" not in begun
    assert "\nend\n" in result


def test_only_failures_leaves_success_untold(user: User, server: Server, room: str) -> None:
    user.here.run("run", room, "--only-failures", "--", "echo", "hi")
    assert messages(server, room) == []
    user.here.run("run", room, "--only-failures", "--", "sh", "-c", "echo hi; exit 1", status=1)
    (replied, text), *more = messages(server, room)
    assert (replied, more) == (0, [])
    assert "failed with 1" in text


def test_quiet_shows_nothing_of_what_it_prints(user: User, server: Server, room: str) -> None:
    assert user.here.run("run", room, "--quiet", "--", "printenv", "CHATTY_NAME").stdout == b"John\n"
    assert [without_time(text) for text in server.texts(room)] == [
        "▶ `printenv CHATTY_NAME`",
        "✔ `printenv CHATTY_NAME`: done in N s",
    ]


def test_what_is_not_shown_does_not_pass_through_us(user: User, room: str, tmp_path: Path) -> None:
    left = f"(until test -e {tmp_path}/go; do sleep 0.05; done; echo late; touch {tmp_path}/alive) & echo now"
    with (tmp_path / "log").open("wb") as log:
        user.run("run", room, "--quiet", "--", "sh", "-c", left, stdout=log, stderr=log)
    (tmp_path / "go").touch()
    wait_until((tmp_path / "alive").exists)
    assert (tmp_path / "log").read_bytes() == b"now\nlate\n"


def test_the_result_is_told_when_the_beginning_was_deleted(
    user: User, server: Server, room: str, tmp_path: Path
) -> None:
    script = f"echo a; until test -e {tmp_path}/go; do sleep 0.05; done; exit 3"
    process = user.start("run", room, "--", "sh", "-c", script)
    wait_until(lambda: "```" in "".join(server.texts(room)))
    secret = (user.home / "config" / "chatty" / "secret").read_text().strip()
    first = server.history(room)[0]["seq"]
    server.ask("DELETE", f"/v1/rooms/{room}/messages/{first}?name=John", token=derive_key(secret, server.url))
    (tmp_path / "go").touch()
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (3, b"")
    assert "failed with 3" in messages(server, room)[-1][1]


@pytest.mark.parametrize("failures", [1, 1_000_000])
async def test_updates_that_fail_are_passed_over_and_the_result_is_told(
    user: User, room: str, tmp_path: Path, failures: int
) -> None:
    told: list[tuple[str, str]] = []
    results = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal results
        text = (await request.json())["text"]
        told.append((request.method, text))
        updates = sum(method == "PATCH" for method, _ in told)
        results += text.startswith("✖")
        if (request.method == "PATCH" and updates <= failures) or (text.startswith("✖") and results == 1):
            return web.Response(status=500, text="<h1>oops</h1>")
        return web.json_response({"seq": 1}, status=201)

    async with Scripted(answer) as scripted:
        script = f"echo a; until test -e {tmp_path}/go; do sleep 0.05; done; exit 3"
        process = user.start("run", room, "--server", scripted.url, "--", "sh", "-c", script)
        await asyncio.to_thread(wait_until, lambda: [method for method, _ in told].count("PATCH") == 2)
        (tmp_path / "go").touch()
        _, err = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
    assert (process.returncode, err) == (3, b"")
    assert [method for method, _ in told] == ["POST", "PATCH", "PATCH", "POST", "POST", "PATCH"]
    assert told[1][1].endswith("\n```\na\n```")
    assert "failed with 3" in told[4][1]
    assert "```" not in told[5][1]


def test_secrets_are_redacted_in_all_that_is_told_and_in_nothing_else(
    user: User, server: Server, room: str, tmp_path: Path
) -> None:
    script = f"printf 'tok\\033[1men-abc'; echo -123; until test -e {tmp_path}/go; do sleep 0.05; done; echo it=token-x"
    redact = ("--redact", r"token-[\w-]+", "--redact", "tok[^ ]+en-abc")
    process = user.start("run", room, *redact, "--", "sh", "-c", script, "token-abc")
    wait_until(lambda: "```" in "".join(server.texts(room)))
    (tmp_path / "go").touch()
    out, _ = process.communicate(timeout=PATIENCE)
    assert out == b"tok\x1b[1men-abc-123\nit=token-x\n"
    told = "".join(str(event) for event in server.history(room))
    assert "token-" not in told
    assert "it=REDACTED\n" in server.texts(room)[-1]
