"""Connections: who may ask, what is said over HTTP and WebSocket, and the care for each socket.

It knows the pipeline and the store; neither knows it.
"""
