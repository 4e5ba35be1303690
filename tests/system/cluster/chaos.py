"""A cluster under load while its processes are killed and frozen at random: what was acknowledged has to be everywhere,
once, and in one order.

    python -m tests.system.cluster.chaos --seconds 600 --rate 400 --seed 7

People talk and read through chatty's own client, which goes on at another node when one fails.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import chatty
from tests.support.cluster import NAMES, Cluster, content, position
from tests.support.nats import NatsServer
from tests.support.server import PATIENCE, Server

PEOPLE: Final = 6
"""As many write as read."""
CALM_SECONDS: Final = 14.0
"""How long before the end the last fault comes: all processes run again by then."""

Process = Server | NatsServer


class Fault(NamedTuple):
    """What is done to which processes, when, and for how long they are away or frozen."""

    at: float
    seconds: float
    number: int
    """The signal: SIGKILL, or SIGSTOP, after which the same processes go on."""
    victims: tuple[str, ...]


def plan(seed: int, seconds: float) -> Iterator[Fault]:
    """Faults of nodes (a, b, c), of servers of NATS (1, 2, 3), and of both at once. Of each kind, one at a time.

    A server of NATS is given time to catch up before the next one fails, or there would be no quorum.
    """
    chance = random.Random(seed)
    at = 2.0
    while at < seconds - CALM_SECONDS:
        which, kind = chance.randrange(3), chance.choice("nnnlb")
        number = signal.SIGKILL if kind == "b" or chance.random() < 0.7 else signal.SIGSTOP
        victims = {"n": (NAMES[which],), "l": (str(which + 1),), "b": (str(which + 1), NAMES[which])}[kind]
        away = chance.uniform(0.3, 10.0 if kind == "n" else 8.0)
        away = min(away, seconds - CALM_SECONDS - at + 2.0)
        yield Fault(at, away, number, victims)
        at += away + (chance.uniform(1.0, 3.0) if kind == "n" else chance.uniform(5.0, 8.0))


class Report:
    """What the people of one run saw, and what the nodes have at its end."""

    def __init__(self, people: int, seconds: float) -> None:
        self.people, self.seconds = people, seconds
        self.acked: dict[tuple[int, int], int | None] = {}
        self.sent = 0
        self.read: list[list[str]] = [[] for _ in range(people)]
        self.gaps = 0
        self.left: list[str] = []
        self.acked_at: list[float] = []
        self.faults: Counter[str] = Counter()
        self.stored: dict[str, list[str]] = {}
        self.same_databases = self.same_chains = False

    @property
    def lost(self) -> set[str]:
        """Messages that were acknowledged, and that some node doesn't have."""
        acked = {f"{writer}:{number}" for writer, number in self.acked}
        return set().union(*(acked - set(texts) for texts in self.stored.values()))

    @property
    def twice(self) -> list[str]:
        """Messages that some node has more than once."""
        return [text for texts in self.stored.values() for text, count in Counter(texts).items() if count > 1]

    @property
    def out_of_order(self) -> list[int]:
        """Writers whose messages some node has in another order than they were sent in."""
        found = []
        for texts in self.stored.values():
            for writer in range(self.people):
                own = [int(text.partition(":")[2]) for text in texts if text.startswith(f"{writer}:")]
                if own != sorted(own):
                    found.append(writer)
        return found

    @property
    def misread(self) -> list[int]:
        """Readers that saw anything else than what is stored, from the first message to the last."""
        (texts, *_) = self.stored.values()
        return [number for number, seen in enumerate(self.read) if seen != texts]

    @property
    def longest_silence(self) -> float:
        """The longest time in which nobody's message was acknowledged, in seconds."""
        return max((later - earlier for earlier, later in pairwise(self.acked_at)), default=0.0)

    def __str__(self) -> str:
        return (
            f"{self.sent} sent ({self.sent / self.seconds:.0f} a second), {len(self.acked)} acknowledged,"
            f" {len(self.lost)} lost, {len(self.twice)} twice,"
            f" writers out of order {self.out_of_order}, readers that saw something else {self.misread},"
            f" gaps {self.gaps}, seen to leave {self.left}, longest silence {self.longest_silence:.1f} s,"
            f" faults {dict(self.faults)}, databases {'equal' if self.same_databases else 'DIFFER'},"
            f" chains {'equal' if self.same_chains else 'DIFFER'}"
        )


class Chaos:
    """One run over ``cluster``: ``seconds`` of ``rate`` messages per second, with the faults of ``seed``."""

    def __init__(self, cluster: Cluster, seed: int, seconds: float, rate: float, people: int = PEOPLE) -> None:
        self.cluster, self.seed, self.seconds, self.rate = cluster, seed, seconds, rate
        self.people, self.report = people, Report(people, seconds)
        self.room_id = cluster["a"].make_room("chaos")["id"]
        self._until = time.monotonic() + seconds

    def servers(self, first: int) -> str:
        """All nodes, from one of them on."""
        urls = [node.url for node in self.cluster.nodes.values()]
        return ",".join(urls[first % 3 :] + urls[: first % 3])

    async def run(self) -> Report:
        """Let everybody talk while processes fail, wait until all is well, and compare."""
        reading = [asyncio.create_task(self.read(number)) for number in range(self.people)]
        writing = [asyncio.create_task(self.write(number)) for number in range(self.people)]
        await self.fail()
        await asyncio.gather(*writing)
        await self._settled()
        texts = await asyncio.to_thread(self.cluster["a"].texts, self.room_id)
        async with asyncio.timeout(PATIENCE):
            while any(len(seen) < len(texts) for seen in self.report.read):
                await asyncio.sleep(0.1)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        await asyncio.to_thread(self._compare)
        return self.report

    async def write(self, number: int) -> None:
        """Send numbered messages, and count those that are acknowledged."""
        key, sent, due = f"writer {number} has a key of its own, and a long one", 0, time.monotonic()
        async with chatty.join(
            self.servers(number), self.room_id, name=f"w{number}", key=key, transient=2 * PATIENCE
        ) as room:
            # It reads beside, or its own messages would wait for a buffer to be read.
            reading = asyncio.create_task(_ignore(room))
            while time.monotonic() < self._until:
                sent += 1
                self.report.sent += 1
                self._note(number, sent, await room.post(f"{number}:{sent}"))
                due = max(due + self.people / self.rate, time.monotonic() - 1.0)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await room.flush()
            reading.cancel()

    def _note(self, writer: int, number: int, ack: asyncio.Future[chatty.Ack]) -> None:
        def done(ack: asyncio.Future[chatty.Ack]) -> None:
            self.report.acked[writer, number] = ack.result().seq
            self.report.acked_at.append(time.monotonic())

        ack.add_done_callback(done)

    async def read(self, number: int) -> None:
        """Read everything, from the first event on."""
        async with chatty.join(self.servers(number), self.room_id, participate=False, since=0) as room:
            async for event in room:
                if isinstance(event, chatty.Message):
                    self.report.read[number].append(event.text)
                elif isinstance(event, chatty.Gap):
                    self.report.gaps += 1
                elif isinstance(event, chatty.ParticipantLeft) and event.reason != "left" and number == 0:
                    self.report.left.append(f"{event.participant} ({event.reason})")

    # --- faults ---------------------------------------------------------------------------------------------

    async def fail(self) -> None:
        """Do to the processes what was planned."""
        began = time.monotonic()
        for fault in plan(self.seed, self.seconds):
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            victims = [self._process(name) for name in fault.victims]
            self.report.faults[f"{signal.Signals(fault.number).name} {'+'.join(map(_kind, victims))}"] += 1
            for victim in victims:
                victim.signal(fault.number)
                if fault.number == signal.SIGKILL:
                    await asyncio.to_thread(_await_end, victim)
            await asyncio.sleep(fault.seconds)
            for victim in victims:
                if fault.number == signal.SIGSTOP:
                    victim.signal(signal.SIGCONT)
                elif isinstance(victim, Server):
                    victim.start(wait=False)
                else:
                    victim.start()

    def _process(self, name: str) -> Process:
        return self.cluster[name] if name in NAMES else self.cluster.nats.servers[int(name) - 1]

    # --- the end --------------------------------------------------------------------------------------------

    async def _settled(self) -> None:
        """Wait until all nodes are ready, and have come equally far."""
        for node in self.cluster.nodes.values():
            await asyncio.to_thread(node.wait_ready)
        async with asyncio.timeout(PATIENCE):
            while len({position(node.data / "chatty.db") for node in self.cluster.nodes.values()}) > 1:
                await asyncio.sleep(0.1)

    def _compare(self) -> None:
        for node in self.cluster.nodes.values():
            node.kill9()  # a stop would be one more entry, which only those see that still run
        databases = [node.data / "chatty.db" for node in self.cluster.nodes.values()]
        for name, node in self.cluster.nodes.items():
            self.report.stored[name] = stored_texts(node.data / "chatty.db", self.room_id)
        self.report.same_chains = len({position(database) for database in databases}) == 1
        contents = [content(database) for database in databases]
        self.report.same_databases = contents[0] == contents[1] == contents[2]


def stored_texts(database: Path, room_id: str) -> list[str]:
    """The texts of a room's messages in a node's database, in their order."""
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT body FROM events WHERE key >> 32 = (SELECT key FROM rooms WHERE id = ?) AND kind = 0 ORDER BY key",
            (room_id,),
        )
        return [json.loads(body)["text"] for (body,) in rows]


async def _ignore(room: chatty.Room) -> None:
    async for _ in room:
        pass


def _kind(process: Process) -> str:
    return "node" if isinstance(process, Server) else "nats"


def _await_end(process: Process) -> None:
    assert process.process is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.process.wait(PATIENCE)


def main() -> int:
    """Run it from the command line; 1 if anything was lost, doubled or different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=float, default=400.0, help="messages per second")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.seconds:.0f} s, {given.rate:.0f} messages per second", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch, Cluster(Path(scratch) / "cluster") as cluster:
        report = asyncio.run(Chaos(cluster, given.seed, given.seconds, given.rate).run())
    print(report)  # noqa: T201
    return 0 if is_sound(report) else 1


def is_sound(report: Report) -> bool:
    """Whether every promise was kept."""
    kept = report.same_databases and report.same_chains and len(report.acked) == report.sent > 0
    return kept and not (report.lost or report.twice or report.out_of_order or report.misread or report.gaps)


if __name__ == "__main__":
    sys.exit(main())
