"""The lines that begin with a slash: one table for parsing, help, completion and action.

A line is sent as a text unless it begins with a slash. One that begins with a
slash is never sent by mistake.
"""
