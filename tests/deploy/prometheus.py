"""The real Prometheus and its promtool, unpacked by tests/system/prepare or installed."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Final, Self

from tests.support.faults import eventually
from tests.support.server import PATIENCE, ROOT, free_port

_UNPACKED: Final = ROOT / ".venv" / "prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``."""
    return shutil.which(name) or str(_UNPACKED / name)


def promtool(*arguments: str | Path, said: bytes = b"") -> tuple[int, str]:
    """The exit status of promtool, and all that it says about its arguments or standard input."""
    done = subprocess.run(
        [program("promtool"), *map(str, arguments)], input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.returncode, done.stdout.decode()


Points = list[tuple[float, float]]
"""Moments, in seconds since 1970, and values."""


class Prometheus:
    """A Prometheus that fetches the metrics of ``targets`` each second, with everything in ``directory``."""

    def __init__(self, directory: Path, *targets: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        scrape = {"job_name": "chatty", "scrape_interval": "1s", "static_configs": [{"targets": targets}]}
        config = directory / "prometheus.json"
        config.write_text(json.dumps({"scrape_configs": [scrape]}))  # which is YAML, too
        self._log = directory / "prometheus.log"
        self._command = [
            program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            eventually(self._is_ready, "Prometheus is ready")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def values(self, query: str, start: float, end: float, step: float) -> list[tuple[dict[str, str], Points]]:
        """The series that ``query`` has from ``start`` to ``end``: their labels, and their values but for NaN."""
        asked = urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": step})
        with urllib.request.urlopen(f"{self.url}/api/v1/query_range?{asked}", timeout=PATIENCE) as answer:
            found = json.load(answer)["data"]["result"]
        series = [(one["metric"], [(at, float(value)) for at, value in one["values"]]) for one in found]
        finite = [(labels, [(at, value) for at, value in points if math.isfinite(value)]) for labels, points in series]
        return [(labels, points) for labels, points in finite if points]
