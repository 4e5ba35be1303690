"""Persisting data, handling network connections, and the pipeline between them.

Imports run one way: network → pipeline → store. None of them decides what is
allowed in a room; business does.
"""
