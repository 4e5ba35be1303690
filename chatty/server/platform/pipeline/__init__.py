"""From a proposed entry to the members who hear of it: the log, the node, the hub, catching up, and what time asks for.

It knows the store, and no connection.
"""
