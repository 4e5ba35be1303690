"""What travels in a log that several nodes share: envelopes, each with all that a node proposed at one time.

A node numbers the envelopes of each of its incarnations. One of them takes effect
if its incarnation is its node's present one, and its number the next. Everything
else changes nothing: a second copy, one that has overtaken another, one that
comes late, or one from an incarnation that is over. So an envelope may be
published again until it comes back, and never takes effect twice.

An envelope's first bytes are a MAC of the rest, by the cluster's secret. All
nodes drop those that have no valid one.

    MAC (16 bytes) | [version, node, incarnation, n, at, after, entries]      (MessagePack)

The frame never changes. The entries are only decoded once it is admitted, and
then every node has to know all of them: see `chatty.server.business.nodes`.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import operator
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

import chatty.server.business.nodes  # noqa: F401 - some kinds of entries are there
from chatty.server.business.entries import Change, Entry, Ruling
from chatty.server.platform.store.ledger import Incarnation

VERSION: Final = 1
MAC_BYTES: Final = 16
CHAIN_BYTES: Final = 16
MOST_BYTES: Final = 768 * 1024
"""Bytes of one envelope's entries: a server of NATS takes messages of up to 1 MiB."""


class Envelope(Struct, frozen=True, gc=False, array_like=True):
    """The frame. ``after`` is the incarnation that the first one (``n`` 1) replaces, and ``at`` is in milliseconds."""

    version: int
    node: str
    incarnation: str
    n: int
    at: int
    after: str
    entries: Raw


def kinds_of_entries() -> tuple[type[Entry], ...]:
    """Every kind of entry."""
    found = (*Entry.__subclasses__(), *Change.__subclasses__(), *Ruling.__subclasses__())
    return tuple(kind for kind in found if kind not in (Change, Ruling))


_ANY_ENTRY: Final[Any] = functools.reduce(operator.or_, kinds_of_entries())
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_frame: Final = msgspec.msgpack.Decoder(Envelope).decode
_decode_entry: Final = msgspec.msgpack.Decoder(_ANY_ENTRY).decode
_decode_entries: Final = msgspec.msgpack.Decoder(list[_ANY_ENTRY]).decode


def encode_entry(entry: Entry) -> bytes:
    """An entry as it travels. Raises ValueError if nobody could decode it, because then it would stop all nodes."""
    encoded = _encode(entry)
    _decode_entry(encoded)
    return encoded


def decode_entries(envelope: Envelope) -> list[Entry]:
    """The entries of an envelope that is admitted. Raises ValueError for those that a later version made."""
    found: list[Entry] = _decode_entries(envelope.entries)
    return found


def joined(entries: list[bytes]) -> Raw:
    """Encoded entries as one list."""
    return Raw(b"\xdd" + len(entries).to_bytes(4) + b"".join(entries))


def seal(key: bytes, envelope: Envelope) -> bytes:
    """An envelope as it is published."""
    body = _encode(envelope)
    return mac(key, body) + body


def unseal(key: bytes, message: bytes) -> Envelope | None:
    """The envelope that was published, or None if none of these nodes made it."""
    found, body = message[:MAC_BYTES], message[MAC_BYTES:]
    if not hmac.compare_digest(found, mac(key, body)):
        return None
    return _decode_frame(body)


def mac(key: bytes, body: bytes) -> bytes:
    """What only those with ``key`` can put before ``body``."""
    return hashlib.blake2b(body, key=key, digest_size=MAC_BYTES).digest()


def admitted(nodes: Mapping[str, Incarnation], envelope: Envelope) -> Incarnation | None:
    """The state of its node after an envelope that takes effect; None for one that doesn't."""
    known = nodes.get(envelope.node) or Incarnation()
    if envelope.n == 1:
        if known.id != envelope.after or envelope.incarnation == known.id:
            return None
    elif known.ended or (known.id, known.n + 1) != (envelope.incarnation, envelope.n):
        return None
    return Incarnation(envelope.incarnation, envelope.n)


def link(chain: bytes, position: int, noted: bytes) -> bytes:
    """The next hash over all that came of the log: the same on every node, or they have diverged."""
    return hashlib.blake2b(chain + position.to_bytes(8) + noted, digest_size=CHAIN_BYTES).digest()
