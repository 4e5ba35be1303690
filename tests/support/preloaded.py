"""Real server processes that start quickly: forked from a process that has already imported what a server needs.

To import it is most of a start's time, and the tests start a server some hundred times. From the fork on, such a
process is like any other: its command line, environment, directory, limits and streams are its own. Tests whose
subject is how a process comes to life start it in the ordinary way.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

LIMITS: Final = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CORE)


class Forked:
    """A process, with as much of the interface of `subprocess.Popen` as tests use."""

    def __init__(self, pid: int, ending: socket.socket) -> None:
        """``ending`` brings the exit status, as text."""
        self.pid = pid
        self.returncode: int | None = None
        self._ending = ending

    def __del__(self) -> None:
        self._ending.close()

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        if self.returncode is None and select.select([self._ending], [], [], 0)[0]:
            self.returncode = int(self._ending.recv(16) or b"-9")
            self._ending.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once it has ended. Raises subprocess.TimeoutExpired."""
        if self.returncode is None and not select.select([self._ending], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("chatty", timeout or 0.0)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process from which others are forked. It ends with the process of the tests."""

    def __init__(self) -> None:
        self._line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            command = [sys.executable, "-m", "tests.support.preloaded", str(far.fileno())]
            root = Path(__file__).resolve().parents[2]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[far.fileno()], cwd=root,
                env={**os.environ, "PYTHONPATH": str(root), "SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull},
            )  # fmt: skip

    def start(self, arguments: Sequence[str], *, output: int, cwd: Path, env: dict[str, str]) -> Forked:
        """Start ``chatty`` with these arguments. What it says goes to the file descriptor ``output``."""
        ending, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        limits = [resource.getrlimit(limit) for limit in LIMITS]
        with far:
            request = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "env": env, "limits": limits}).encode()
            socket.send_fds(self._line, [len(request).to_bytes(4), request], [output, far.fileno()])
        return Forked(int(self._line.recv(16)), ending)


_nursery: list[Nursery] = []


def nursery() -> Nursery:
    """The only one of this process, which is started when it is first needed."""
    if not _nursery:
        _nursery.append(Nursery())
    return _nursery[0]


# --- the other side ---------------------------------------------------------------------------------------------


def main() -> NoReturn:
    """Fork a process for each request, and tell how each of them ended, until nobody is left to ask."""
    import chatty.cli.app
    import chatty.cli.commands.serve
    import chatty.server.app
    import chatty.server.platform.network.listener  # noqa: F401

    line = socket.socket(fileno=int(sys.argv[1]))
    waking, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([line, waking], [], [])
        if waking in ready:
            waking.recv(4096)
            _reap(children)
        if line in ready:
            message, fds, _, _ = socket.recv_fds(line, 1 << 20, 2)
            if not message:
                os._exit(0)
            output, ending = fds[0], socket.socket(fileno=fds[1])
            pid = os.fork()
            if pid == 0:
                for other in (line, waking, wakeup, ending, *children.values()):
                    other.close()
                _become(json.loads(message[4:]), output)
            os.close(output)
            children[pid] = ending
            line.send(str(pid).encode())


def _reap(children: dict[int, socket.socket]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with children.pop(pid) as ending:
            ending.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict[str, Any], output: int) -> NoReturn:
    """Be the process that was asked for."""
    from chatty.cli import main as chatty

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for limit, values in zip(LIMITS, request["limits"], strict=True):
        resource.setrlimit(limit, tuple(values))
    sys.argv = ["chatty", *request["arguments"]]
    chatty()


if __name__ == "__main__":
    main()
