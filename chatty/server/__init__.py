"""The server: two layers, as in the original, and one place that puts them together.

``business`` decides what may happen in a room. ``platform`` orders, stores and
delivers it. ``app`` composes both.
"""
