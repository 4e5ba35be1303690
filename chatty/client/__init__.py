"""The async client library: HTTP calls, and a `Room` that reconnects and resumes.

The delicate parts know no I/O: ``outbox`` (numbering, acks, resending) and
``inbox`` (order, and the position in the room). ``connection`` is one WebSocket,
and ``link`` keeps one open. ``outgoing`` and ``incoming`` let tasks wait for the
boxes, and ``room`` is the part that programs talk to. The library knows neither
the commands nor the server, and reads no files of its own accord; of the
environment it reads the proxies' variables alone.

Import from `chatty`, or from the modules themselves: nothing is imported here,
so that ``chatty.client.identity`` costs no HTTP library.
"""

from __future__ import annotations
