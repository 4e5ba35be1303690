"""The log puts proposed entries in one order, makes them durable, and delivers committed batches.

`protocol` says what every log promises; `local` is the log of a single machine.
"""
