"""Persistence, connections and the pipelines between them.

The log orders, the store keeps, the hub tells, sessions speak. What is allowed
is business's to say.
"""
