"""Rooms, participants and what they may do: pure functions over a room's state.

Nothing here knows a socket, a file, a clock or a random number. Everything that
an outcome depends on is in the state or in the entry, so the same entries on
the same state give the same outcome, on any machine and in any batches.
"""
