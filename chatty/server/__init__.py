"""The server: two layers, as in the original, and one place that puts them together.

``business`` decides, ``platform`` keeps, carries and tells, ``app`` composes.
"""
