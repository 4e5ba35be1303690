"""An outbox that a process that is killed leaves behind, for its next run to go on with.

Each command is in the journal before it may be sent, and each outcome before
anybody hears of it; so whatever the room has heard is a beginning of what the
journal holds. How much of it the room has, `Producing` tells, by its number and
its digest. Where these can't be those of the messages in the journal, nobody
knows what became of what was under way: it is given back, and a new producer
goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, TypeVar

from chatty.client.identity import new_producer
from chatty.client.journal.file import Done, Journal, Past
from chatty.client.outbox import Outbox, Queued, Settled, said, told
from chatty.digests import NOTHING_SAID, chained
from chatty.errors import Refused
from chatty.protocol import IN_FLIGHT, Ack, Producing, Say

__all__ = ["JournaledOutbox"]

T = TypeVar("T")

_REMEMBERED_SECONDS: Final = 30 * 86_400.0
"""For how long after its last message a room knows a producer."""
_LONGEST: Final = 2 * IN_FLIGHT
"""Lines of a journal that never gets empty, after which it is written anew."""


def _now() -> float:
    return time.time_ns() / 1e9


class JournaledOutbox(Outbox[T]):
    """The outbox of the room ``room_id``, which keeps its messages in ``journal`` until they have an outcome.

    ``identity`` is the fingerprint of the key that the room knows its producer
    by, ``clock`` gives the seconds since 1970. `resume` opens the journal,
    `close` lets go of it. Methods that change what waits raise OSError where
    the journal can't be written.
    """

    def __init__(self, journal: Journal, room_id: str, identity: str, *, clock: Callable[[], float] = _now) -> None:
        self._journal = journal
        self._room_id = room_id
        self._identity = identity
        self._clock = clock
        self._of_another = False  # whether the journal is by another identity
        self._numbered_in = ""  # the epoch that what was accepted belongs to
        self._at = 0.0  # when nothing of what waits had been sent
        self._doubtful = 0  # how many of the first that wait may have been sent without an answer
        super().__init__(new_producer(), fresh=True)
        self._digest = NOTHING_SAID

    def resume(self, ticket: Callable[[], T]) -> list[Queued[T]]:
        """Opens the journal and queues what it holds, each command with a new ``ticket``. Raises as `Journal.open`."""
        past = self._journal.open(self._room_id)
        if past is None:
            return []
        self.producer, self._fresh = past.producer, False
        self._accepted = self._known = past.accepted
        self._digest = past.digest
        self._numbered_in, self._at = past.epoch, past.at
        self._of_another = past.identity != self._identity
        self._waiting.extend(Queued(command, ticket()) for command in past.waiting)
        self._doubtful = len(self._waiting)
        return list(self._waiting)

    def connected(self, epoch: str = "") -> None:
        """As of any outbox."""
        self._doubtful = max(self._doubtful, len(self._flight))
        if not self._accepted:
            self._numbered_in = epoch
        super().connected(epoch)

    def add(self, command: Say, ticket: T) -> Settled[T] | None:
        """As of any outbox; the command is kept when this returns."""
        if self._journal.lines > _LONGEST:
            self._rewrite()
        if self._journal.lines:
            self._journal.write(command)
        else:
            self._journal.write(self._past([command]))
        return super().add(command, ticket)

    def producing(self, answer: Producing) -> list[Settled[T]]:
        """As of any outbox; what the room may have or not have comes with a refusal (``idempotency_conflict``)."""
        if self._ready:
            return super().producing(answer)
        if self._continues(answer):
            done = super().producing(answer)
            if not answer.accepted:
                self._digest = NOTHING_SAID
        else:
            done = self._begin_anew()
        self._doubtful, self._of_another = 0, False
        self._numbered_in = self.epoch
        self._rewrite()
        return done

    def abandon(self, *, kept: bool = False) -> list[T]:
        """As of any outbox."""
        if not kept:
            self._journal.clear()
        return super().abandon(kept=kept)

    def close(self) -> None:
        """Lets go of the journal, which stays if something waits in it."""
        self._journal.close()

    def _continues(self, answer: Producing) -> bool:
        """Whether what the room has is what it was known to have, and after that the beginning of what waits."""
        digest, repeated = told(answer), answer.accepted - self._accepted
        if self._of_another or repeated > self._doubtful:
            return False
        if repeated < 0:  # a backup was restored; or the room has forgotten the producer
            return self._numbered_in != self.epoch
        if self._doubtful and not answer.accepted and self._clock() - self._at > _REMEMBERED_SECONDS:
            return False
        mine = self._digest
        for message in islice(self._waiting, repeated):
            mine = chained(mine, said(message.command))
        return not (mine and digest) or mine == digest

    def _begin_anew(self) -> list[Settled[T]]:
        why = "It is not known whether this was said before; look, and say it again if it is missing."
        lost = [self._waiting.popleft() for _ in range(self._doubtful)]
        self.producer, self._digest = new_producer(), NOTHING_SAID
        self._accepted = self._known = 0
        self._fresh, self._introduced = True, False
        return [Settled(ticket, Refused("idempotency_conflict", why), command) for command, ticket in lost]

    def _done(self, result: Ack | Refused) -> Settled[T]:
        settled = super()._done(result)
        if len(self):
            self._journal.write(Done(isinstance(result, Ack)))
        else:
            self._journal.clear()
        return settled

    def _rewrite(self) -> None:
        if len(self):
            self._journal.replace(self._past(message.command for message in (*self._flight, *self._waiting)))
        else:
            self._journal.clear()

    def _past(self, waiting: Iterable[Say]) -> Past:
        if not self._doubtful and not self._flight:
            self._at = self._clock()
        return Past(
            room=self._room_id,
            identity=self._identity,
            producer=self.producer,
            epoch=self._numbered_in,
            at=self._at,
            accepted=self._accepted,
            digest=self._digest,
            waiting=list(waiting),
        )
