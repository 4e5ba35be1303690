"""The way from a proposed entry to the subscribers that get its events: log, node, hub, catching up, housekeeping.

It knows the store. Of connections it knows only the contracts in `node` and `subscriber`.
"""
