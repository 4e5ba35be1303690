"""``chatty``, but a node of a cluster takes ``LAG`` seconds longer to apply a batch: so it lags behind the others."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from chatty.cli import main
from chatty.server.platform.pipeline.log.jetstream.replica import Batch, Message, Replica

_apply = Replica.apply


def _apply_slowly(self: Replica, messages: Sequence[Message], node: str, incarnation: str) -> Batch:
    time.sleep(float(os.environ["LAG"]))
    return _apply(self, messages, node, incarnation)


if __name__ == "__main__":
    Replica.apply = _apply_slowly  # type: ignore[method-assign]
    main()
