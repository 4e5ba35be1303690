"""The way to a server: its address, the proxy in between, and whom to trust."""
