"""Network connections: HTTP and WebSocket handlers, the dialects on the wire, limits and heartbeats.

It knows the pipeline and the store. Neither of them knows it.
"""
