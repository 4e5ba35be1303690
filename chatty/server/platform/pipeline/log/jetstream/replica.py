"""This node's copy of the state, as far as the log itself is concerned: messages go in, and are applied to the store.

It is deterministic, and does nothing but what the log says: nodes that apply the same messages, in whatever batches,
have the same databases and the same chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from chatty.server.business.entries import Entry
from chatty.server.business.nodes import LEVEL, EndNode, Fingerprint, RaiseLevel
from chatty.server.platform.pipeline.log.jetstream.envelope import (
    VERSION,
    Envelope,
    admitted,
    decode_entries,
    link,
    unseal,
)
from chatty.server.platform.store.applied import Applied
from chatty.server.platform.store.applying import Store
from chatty.server.platform.store.errors import StoreError
from chatty.server.platform.store.ledger import Incarnation, LogState

MARK: Final = 64
"""Nodes compare their chains at every position that is a multiple of this."""


class Message(NamedTuple):
    """A message of the log, by its position there."""

    position: int
    data: bytes


class Part(NamedTuple):
    """One of this node's own envelopes within a batch: its number, and where its outcomes are."""

    n: int
    start: int
    length: int


class Batch(NamedTuple):
    """The results of some messages: those of the store, and what the log's other parts need to know.

    ``taken`` is how many messages it took: it ends with the first that asks for a fingerprint.
    ``is_overtaken``: an envelope of this node came before one that it had numbered lower.
    """

    taken: int
    applied: Applied
    own: list[Part]
    state: LogState
    marks: dict[int, bytes]
    is_overtaken: bool
    dropped: int
    fingerprints: list[Fingerprint]


class Replica:
    """Applies the log's messages to ``store``, which no one else writes to. ``state`` says how far it has come."""

    def __init__(self, store: Store, key: bytes, generation: str) -> None:
        """``key`` is the one by which envelopes are sealed. Raises StoreError if the log's level is unknown here."""
        self._store = store
        self._key = key
        known = store.log_state()
        _check_level(known.level)
        self.state = replace(known, generation=generation, nodes=dict(known.nodes))

    def apply(self, messages: Sequence[Message], node: str, incarnation: str) -> Batch:
        """Apply the first of some messages that follow each other, or all of them.

        ``node`` and ``incarnation`` tell its own envelopes from others'.

        Raises Unavailable if they can't be stored now, and StoreError if they can't be applied at all.
        """
        reading = _Reading(self.state, self._key, node, incarnation)
        taken = 0
        for taken, message in enumerate(messages, 1):  # noqa: B007 - it is used below
            reading.read(message)
            if reading.fingerprints:
                break
        applied = self._store.apply(reading.entries, reading.state)
        self.state = reading.after
        return Batch(
            taken, applied, reading.own, reading.after, reading.marks, reading.is_overtaken, reading.dropped,
            reading.fingerprints,
        )  # fmt: skip


class _Reading:
    """A batch while it is read and applied: the ledger that the store keeps."""

    def __init__(self, before: LogState, key: bytes, node: str, incarnation: str) -> None:
        self._before, self._key = before, key
        self._me = node, incarnation
        self._nodes: dict[str, Incarnation] = dict(before.nodes)
        self._level = before.level
        self.entries: list[Entry] = []
        self.own: list[Part] = []
        self.marks: dict[int, bytes] = {}
        self.is_overtaken = False
        self.dropped = 0
        self.fingerprints: list[Fingerprint] = []
        self.after = before
        self._ends: list[tuple[int, int]] = []
        self._position = before.position

    # --- reading --------------------------------------------------------------------------------------------

    def read(self, message: Message) -> None:
        """Take the next message."""
        self._position = message.position
        envelope = unseal(self._key, message.data)
        found = self._admit(envelope) if envelope is not None else None
        if found is None:
            self.dropped += 1
        else:
            assert envelope is not None
            if (envelope.node, envelope.incarnation) == self._me:
                self.own.append(Part(envelope.n, len(self.entries), len(found)))
            self.entries += found
        self._ends.append((message.position, len(self.entries)))

    def _admit(self, envelope: Envelope) -> list[Entry] | None:
        if envelope.version != VERSION:
            raise _too_new(f"message {self._position} of the log is of version {envelope.version}")
        node = admitted(self._nodes, envelope)
        if node is None:
            mine = self._nodes.get(envelope.node)
            if (envelope.node, envelope.incarnation) == self._me and mine is not None and envelope.n > mine.n + 1:
                self.is_overtaken = True
            return None
        try:
            found = decode_entries(envelope)
        except ValueError as error:
            raise _too_new(f"message {self._position} of the log can't be understood ({error})") from error
        self._nodes[envelope.node] = node
        for entry in found:
            if type(entry) is EndNode:
                other = self._nodes.get(entry.node)
                if other is not None and other.id == entry.incarnation:
                    self._nodes[entry.node] = replace(other, ended=True)
            elif type(entry) is RaiseLevel:
                self._raise_level(entry.level)
            elif type(entry) is Fingerprint:
                self.fingerprints.append(entry)
        return found

    def _raise_level(self, level: int) -> None:
        _check_level(level)
        self._level = max(self._level, level)

    # --- the ledger -----------------------------------------------------------------------------------------

    def state(self, results: Sequence[bytes], ends: Sequence[int]) -> LogState:
        chain, start, before = self._before.chain, 0, self._before
        for position, entries in self._ends:
            end = ends[entries - 1] if entries else 0
            # All of these are ids and JSON, in which there is no line feed.
            chain = link(chain, position, b"\n".join(results[start:end]))
            start = end
            if position % MARK == 0:
                self.marks[position] = chain
        self.after = LogState(before.generation, self._position, chain, self._level, self._nodes)
        return replace(self.after, nodes=_changed(before.nodes, self._nodes))


def _changed(before: Mapping[str, Incarnation], after: Mapping[str, Incarnation]) -> dict[str, Incarnation]:
    return {node: one for node, one in after.items() if before.get(node) != one}


def _check_level(level: int) -> None:
    if level > LEVEL:
        raise _too_new(f"the log is of level {level}, and this version knows {LEVEL}")


def _too_new(what: str) -> StoreError:
    return StoreError(what, "a newer chatty wrote it: start that one here, too")
