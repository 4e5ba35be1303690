"""The async client library: HTTP calls, and a `Room` that reconnects and resumes.

``outbox`` and ``inbox`` hold all that is delicate (numbering, acks, resending;
the position in the room) and know no I/O; ``connection`` is one WebSocket;
``link`` keeps one open; ``room`` is what a program talks to. It knows neither
the commands nor the server, and takes no setting from its surroundings: no
environment variable, no file.

Import from `chatty`, or from the modules themselves: nothing is imported here,
so that ``chatty.client.identity`` costs no HTTP library.
"""

from __future__ import annotations
