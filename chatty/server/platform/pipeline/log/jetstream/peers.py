"""The other nodes of the cluster, as far as this one hears of them: every second each says how far it is.

From that follows who is alive, whose turn it is to propose what any node may
propose, whether clocks agree, and whether the databases do.
"""

from __future__ import annotations

import asyncio
import hashlib
import statistics
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import structlog
from msgspec import Struct
from nats.aio.msg import Msg

from chatty.server.platform.pipeline.clock import wall_ms
from chatty.server.platform.pipeline.log.jetstream.connection import Connection
from chatty.server.platform.pipeline.log.jetstream.envelope import MAC_BYTES, mac
from chatty.server.platform.pipeline.log.whispers import Whisper
from chatty.server.platform.store.errors import StoreError

ALIVE: Final = "chatty.alive"
WHISPER: Final = "chatty.whisper"

ALIVE_SECONDS: Final = 1.0
DEAD_SECONDS: Final = 8.0
"""How long a node may be silent before the others end its incarnation."""
SILENT_SECONDS: Final = 3.0
"""How long a node may be silent and still has its turns."""
RECENT_SECONDS: Final = 120.0
"""How long a node that is silent, and perhaps only frozen or started again, is expected to come back."""
AHEAD_MS: Final = 1_000
"""How far this clock may be ahead of the others'. Otherwise one fast clock would hold up every room's time."""
MOST_SKEW_MS: Final = 5_000
MARKS: Final = 256
"""Marks that are kept, to compare with nodes that are ahead or behind."""

_LOG = structlog.get_logger("chatty")


class Alive(Struct, frozen=True, omit_defaults=True):
    """What a node says of itself. ``chain`` is its chain at the position ``mark``, and ``at`` its clock."""

    node: str
    incarnation: str
    at: int
    position: int
    mark: int
    chain: bytes
    version: str
    level: int
    knows: int
    settings: str
    members: int = 0
    disk_free: int = 0
    trouble: str = ""


class Heard(Struct):
    """A node that is heard of: what it said last, when (loop time), and how far its clock is ahead of this one.

    ``lag`` is how many messages this node had applied then that the other one had not.
    """

    alive: Alive
    at: float
    skew: int
    lag: int


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_alive: Final = msgspec.msgpack.Decoder(Alive).decode
_decode_whisper: Final = msgspec.msgpack.Decoder(tuple[str, Whisper]).decode


class Peers:
    """What this node, called ``node``, knows of the others."""

    def __init__(
        self,
        connection: Connection,
        key: bytes,
        node: str,
        describe: Callable[[], Alive],
        on_whisper: Callable[[Whisper], None],
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        """``describe`` gives what this node says of itself; ``on_fatal`` is told that it has diverged."""
        self._connection, self._key, self._node = connection, key, node
        self._describe, self._on_whisper, self._on_fatal = describe, on_whisper, on_fatal
        self._loop = asyncio.get_running_loop()
        self._marks: dict[int, bytes] = {}
        self._differing: dict[str, int] = {}
        self._known: dict[str, tuple[str, float]] = {}
        self._deaf_until = 0.0
        self._reached: dict[str, tuple[float, int]] = {}
        self.heard: dict[str, Heard] = {}
        self.namesake = ""
        """The incarnation of another process that goes by this node's name, if one was heard of."""
        self.strangers: set[str] = set()
        """Nodes with another secret."""

    async def open(self) -> None:
        """Listen to the others. Raises an error of NATS."""
        await self._connection.client.subscribe(ALIVE, cb=self._on_alive)
        await self._connection.client.subscribe(WHISPER, cb=self._on_whispered)

    async def run(self) -> None:
        """Say every second that this node lives. Runs until it is cancelled."""
        while True:
            await self.say()
            await asyncio.sleep(ALIVE_SECONDS)

    async def say(self) -> None:
        """Say how this node is."""
        await self._connection.quietly(self._connection.client.publish(ALIVE, self.sealed(_encode(self._describe()))))

    def whisper(self, whisper: Whisper) -> None:
        """Pass ``whisper`` on to the others, if they can be reached."""
        if self._connection.is_connected and self.heard:
            payload = self.sealed(_encode((self._node, whisper)))
            task = self._loop.create_task(self._connection.quietly(self._connection.client.publish(WHISPER, payload)))
            task.add_done_callback(asyncio.Task.result)

    # --- turns and the dead ---------------------------------------------------------------------------------

    def living(self) -> list[str]:
        """The nodes that are heard of, and this one."""
        now = self._loop.time()
        return [self._node, *(node for node, one in self.heard.items() if now - one.at <= SILENT_SECONDS)]

    def rank(self, room: str) -> int:
        """Which turn this node has among the living to propose, for ``room``, what any of them may propose."""
        return sorted(self.living(), key=lambda node: _turn(room, node)).index(self._node)

    def none_further(self, nodes: Iterable[str], position: int) -> float:
        """Until when it is known that none of these nodes had come further than ``position``; 0 if one has, or is
        unheard of.
        """
        heard = [self.heard.get(node) for node in nodes]
        until = [one.at for one in heard if one is not None and one.alive.position <= position]
        return min(until, default=self._loop.time()) if len(until) == len(heard) else 0.0

    def someone_is_behind(self, position: int) -> bool:
        """Whether a node that was heard of lately has not come to ``position``, as far as it said."""
        since = self._loop.time() - RECENT_SECONDS
        return any(at > since and reached < position for at, reached in self._reached.values())

    def be_deaf(self) -> None:
        """This node hears nothing itself, so the silence of others means nothing for a while."""
        self._deaf_until = self._loop.time() + DEAD_SECONDS

    def is_dead(self, node: str, incarnation: str) -> bool:
        """Whether an incarnation of ``node`` has been silent for so long that it has to end.

        Ask again and again: it counts from the first time, because the log may tell of an incarnation before it speaks.
        """
        now = self._loop.time()
        if node not in self._known or self._known[node][0] != incarnation:
            self._known[node] = incarnation, now
        heard_at = self.heard[node].at if node in self.heard else 0.0
        return now >= self._deaf_until and now - max(heard_at, self._known[node][1]) > DEAD_SECONDS

    def forget(self, node: str) -> None:
        """A node's incarnation has ended."""
        self.heard.pop(node, None)
        self._differing.pop(node, None)

    # --- clocks ---------------------------------------------------------------------------------------------

    @property
    def skew_ms(self) -> int:
        """How far this clock is ahead of the median of all that are heard of."""
        now = self._loop.time()
        others = [one.skew for one in self.heard.values() if now - one.at <= SILENT_SECONDS]
        return -round(statistics.median([0, *others])) if others else 0

    def wall_ms(self) -> int:
        """The time in milliseconds since 1970: no more than a second ahead of what most nodes take it for."""
        return wall_ms() - max(0, self.skew_ms - AHEAD_MS)

    # --- chains ---------------------------------------------------------------------------------------------

    def note(self, marks: dict[int, bytes]) -> None:
        """This node's chain at these positions."""
        self._marks.update(marks)
        while len(self._marks) > MARKS:
            del self._marks[next(iter(self._marks))]

    @property
    def mark(self) -> tuple[int, bytes]:
        """The newest position at which chains are compared, and this node's chain there."""
        return next(reversed(self._marks.items()), (0, b""))

    @property
    def has_diverged(self) -> bool:
        """Whether others have a different state, and so many that no majority says which of them is wrong."""
        return 2 * len(self._differing) >= len(self.heard) + 1 > 1

    def _compare(self, alive: Alive) -> None:
        ours = self._marks.get(alive.mark)
        if ours is None or not alive.chain:
            return
        if ours == alive.chain:
            self._differing.pop(alive.node, None)
            return
        if alive.node not in self._differing:
            _LOG.error("this node and another one have diverged", other=alive.node, position=alive.mark)
        self._differing[alive.node] = alive.mark
        if len(self._differing) > len(self.heard) + 1 - len(self._differing):
            others = ", ".join(sorted(self._differing))
            self._on_fatal(
                StoreError(
                    f"this node's state differs from that of {others}, who are more",
                    "move its data directory away and start it: it takes a snapshot. Please report it",
                )
            )

    # --- what comes -----------------------------------------------------------------------------------------

    async def _on_alive(self, message: Msg) -> None:
        body = self.unsealed(message.data)
        if body is None:
            self._note_stranger(message.data)
            return
        alive = _decode_alive(body)
        mine = self._describe()
        if alive.node == self._node:
            if alive.incarnation != mine.incarnation:
                self.namesake = alive.incarnation
            return
        known = self.heard.get(alive.node)
        if known is None or known.alive.incarnation != alive.incarnation:
            self._differing.pop(alive.node, None)
        self.heard[alive.node] = Heard(
            alive, self._loop.time(), alive.at - wall_ms(), max(0, mine.position - alive.position)
        )
        self._reached[alive.node] = (self._loop.time(), alive.position)
        self._compare(alive)

    async def _on_whispered(self, message: Msg) -> None:
        body = self.unsealed(message.data)
        if body is not None:
            node, whisper = _decode_whisper(body)
            if node != self._node:
                self._on_whisper(whisper)

    def _note_stranger(self, data: bytes) -> None:
        try:
            node = _decode_alive(data[MAC_BYTES:]).node
        except ValueError:
            return  # somebody else's message
        if node not in self.strangers:
            self.strangers.add(node)
            _LOG.error("a node has another secret", node=node)

    def sealed(self, body: bytes) -> bytes:
        """``body`` with the proof that a node of this cluster said it."""
        return mac(self._key, body) + body

    def unsealed(self, data: bytes) -> bytes | None:
        """What was sealed as ``data`` by a node of this cluster, or None if it wasn't."""
        body = data[MAC_BYTES:]
        return body if mac(self._key, body) == data[:MAC_BYTES] else None


def _turn(room: str, node: str) -> bytes:
    return hashlib.blake2b(f"{room}/{node}".encode(), digest_size=8).digest()
