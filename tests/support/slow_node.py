"""``chatty``, but a node of a cluster takes ``LAG`` seconds longer to apply a batch: so it lags behind the others."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from chatty.cli import main
from chatty.server.platform.pipeline.log.jetstream.replica import Batch, Message, Replica


class _Slow(Replica):
    def apply(self, messages: Sequence[Message], node: str, incarnation: str) -> Batch:
        time.sleep(float(os.environ["LAG"]))
        return super().apply(messages, node, incarnation)


if __name__ == "__main__":
    from chatty.server.platform.pipeline.log.jetstream import log

    log.Replica = _Slow  # type: ignore[misc]
    main()
