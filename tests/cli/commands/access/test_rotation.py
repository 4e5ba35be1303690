"""A token is replaced while commands run with it: they go on, and no line is lost or comes twice."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

from tests.cli.commands.test_send import wait_until
from tests.cli.user import Running, User
from tests.support.server import PATIENCE, Server

MANY = 300


class Job:
    """A token file of one name, whose token is replaced as in a real set-up."""

    def __init__(self, ada: User, name: str, file: Path) -> None:
        self.ada, self.name, self.file = ada, name, file
        self.id = ""
        self.replace(self.issue())

    def issue(self) -> dict[str, str]:
        issued: dict[str, str] = json.loads(self.ada.here.says("token", "create", "--name", self.name, "--json"))
        return issued

    def replace(self, issued: dict[str, str]) -> None:
        beside = self.file.with_suffix(".new")
        beside.write_text(issued["token"])
        beside.replace(self.file)
        self.id = issued["id"]

    def revoke(self, token_id: str) -> None:
        self.ada.here.run("token", "revoke", token_id)


def lines(process: Running, first: int, last: int) -> None:
    assert process.stdin is not None
    for number in range(first, last):
        process.stdin.write(f"!line {number}\n".encode())


def test_a_token_is_replaced_and_the_old_one_revoked_while_send_tail_and_bot_run(
    ada: User, server: Server, tmp_path: Path
) -> None:
    room = ada.here.says("create", "rotation").strip()
    jobs = {name: Job(ada, name, tmp_path / name) for name in ("ci", "reader", "robot")}

    def start(user: User, name: str, *command: str) -> Running:
        return user.start(command[0], "--token-file", str(jobs[name].file), *command[1:])

    with User(tmp_path / "home", server.url) as user, (tmp_path / "seen").open("wb") as seen:
        following = user.start(
            "tail", room, "--json", "--messages", "--since", "0", "--token-file", str(jobs["reader"].file), stdout=seen
        )
        cursor = tmp_path / "cursor"
        bot = start(user, "robot", "bot", room, "--on", "^!line .*0$", "--cursor", str(cursor),
                    "--per-minute", "10000", "--jobs", "4", "--", "cat")  # fmt: skip
        wait_until(lambda: cursor.exists() and cursor.stat().st_size > 0)
        sending = start(user, "ci", "send", room)
        lines(sending, 0, MANY)
        for job in jobs.values():  # as it should be done
            old, issued = job.id, job.issue()
            job.replace(issued)
            job.revoke(old)
        lines(sending, MANY, 2 * MANY)
        wait_until(lambda: f"!line {2 * MANY - 1}" in texts(ada, room))
        for job in jobs.values():  # in the wrong order
            issued = job.issue()
            job.revoke(job.id)
            job.replace(issued)
        lines(sending, 2 * MANY, 3 * MANY)
        assert sending.stdin is not None
        sending.stdin.close()
        assert sending.wait(PATIENCE) == 0
        expected = [f"!line {number}" for number in range(3 * MANY)]
        assert [text for text, who in said(ada, room) if who == "ci"] == expected
        answered = [text for text in expected if text.endswith("0")]
        wait_until(lambda: len([1 for _, who in said(ada, room) if who == "robot"]) >= len(answered))
        everything = ada.here.events(room, "--since", "0", "--messages")
        assert sorted(event["text"] for event in everything if event["participant"] == "robot") == sorted(answered)
        wait_until(lambda: (tmp_path / "seen").read_bytes().count(b"\n") >= len(everything))
        assert [json.loads(line) for line in (tmp_path / "seen").read_text().splitlines()] == everything
        for process in (following, bot):
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 143


def said(ada: User, room: str) -> list[tuple[str, str]]:
    return [(event["text"], event["participant"]) for event in ada.here.events(room, "--since", "0", "--messages")]


def texts(ada: User, room: str) -> list[str]:
    return [text for text, _ in said(ada, room)]


def test_a_login_is_renewed_for_what_is_running(
    ada: User, server: Server, tmp_path: Path, known_as: Callable[..., User]
) -> None:
    room = ada.here.says("create", "renewal").strip()
    first, second = (Path(known_as("kim").env["CHATTY_TOKEN_FILE"]).read_text() for _ in range(2))
    with User(tmp_path / "kim", server.url) as kim:
        kim.here.run("login", said=first.encode())
        old = json.loads(kim.here.says("whoami", "--json"))["token"]
        following = kim.start("tail", room, "--count", "2", "--messages")
        ada.here.run("send", room, "one")
        assert following.stdout is not None
        assert b"one" in following.stdout.readline()
        kim.here.run("login", said=second.encode())
        ada.here.run("token", "revoke", old)
        ada.here.run("send", room, "two")
        assert b"two" in following.stdout.readline()
        assert following.wait(PATIENCE) == 0


def test_secrets_are_in_no_output_process_list_log_or_error(
    ada: User, server: Server, admin: str, tmp_path: Path, known_as: Callable[..., User]
) -> None:
    room = ada.here.says("create", "secrets").strip()
    lee = known_as("lee")
    file = Path(lee.env["CHATTY_TOKEN_FILE"])
    secret = file.read_text().strip()
    token_id = json.loads(lee.here.says("whoami", "--json"))["token"]
    cursor = tmp_path / "cursor"
    bot = lee.start("bot", room, "--on", ".", "--cursor", str(cursor), "--", "env")
    running = [lee.start("tail", room), bot, lee.start("send", room)]
    wait_until(lambda: cursor.exists() and cursor.stat().st_size > 0)
    running[2].stdin.write(b"hi\n")  # type: ignore[union-attr]
    wait_until(lambda: len(server_events(ada, room)) == 1)
    ada.here.run("send", room, "go")
    wait_until(lambda: "CHATTY_TOKEN_FILE" in str(server_events(ada, room)))
    for process in running:
        proc = Path(f"/proc/{process.pid}")
        assert secret.encode() not in (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
        process.terminate()
        process.wait(PATIENCE)
    outputs = [json.dumps(server_events(ada, room)), server.log]
    commands = (
        ("whoami",), ("whoami", "--json"), ("token", "list"), ("members", room), ("policy", room), ("who", room),
        ("kick", room, "ada"), ("send", room, "x", "--name", "y"), ("audit",), ("login", secret), ("rooms", "--json"),
        ("token", "revoke", secret), ("send", "1" * 27, "x"), ("create", "x", "--server", "http://192.0.2.1"),
    )  # fmt: skip
    for revoked in (False, True):
        ran = [lee.here.run(*command, status=None) for command in commands]
        ran += [lee.run(*command, status=None, env={**lee.env, "CHATTY_DEBUG": "1"}) for command in commands[:2]]
        outputs += [(done.stdout + done.stderr).decode() for done in ran]
        outputs.append(str(lee.here.run("login", said=f"{secret}x".encode(), status=4).stderr))
        if not revoked:
            ada.here.run("token", "revoke", token_id)
    for text in outputs:
        assert secret not in text, text
        assert secret[8:] not in text, text
        assert admin not in text, text


def server_events(ada: User, room: str) -> list[dict[str, object]]:
    return ada.here.events(room, "--since", "0", "--messages")
