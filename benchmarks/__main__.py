"""``python -m benchmarks [NAME…] [--runs N] [--seconds S] [--json FILE]``: measure, and print tables."""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
from pathlib import Path

from benchmarks import cluster, crowd, fanout, faults, history, readers, search, snapshot, start, terminal, tokens
from benchmarks.report import Options, Table, show
from benchmarks.servers import CLIENT_CORE, SERVER_CORE

BENCHMARKS = {
    benchmark.name: benchmark
    for module in (fanout, crowd, history, search, readers, tokens, start, terminal, faults, cluster, snapshot)
    for benchmark in module.BENCHMARKS
}


def main() -> int:
    """The exit status: 1 if a benchmark failed. The others are measured all the same."""
    listing = "\n".join(f"  {benchmark.name:10}{benchmark.what}" for benchmark in BENCHMARKS.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measure chatty on this machine.\n\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; all if none is given")
    parser.add_argument("--runs", type=int, default=3, help="rounds, of which the median counts (default: 3)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to measure each load (default: 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to FILE")
    given = parser.parse_args()
    if unknown := set(given.names) - BENCHMARKS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose of {', '.join(BENCHMARKS)}")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    shared = "; server and client share one core" if SERVER_CORE == CLIENT_CORE else ""
    print(f"Python {platform.python_version()}, {platform.system()} {platform.release()}{shared}")
    tables: dict[str, Table] = {}
    failed = False
    for name in given.names or BENCHMARKS:
        print(f"\n{name}: {BENCHMARKS[name].what}", flush=True)
        try:
            tables[name] = BENCHMARKS[name].run(Options(given.runs, given.seconds))
            print(show(tables[name]), flush=True)
        except (OSError, RuntimeError) as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps(tables, indent=2) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
