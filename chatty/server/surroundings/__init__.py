"""The machine and its service manager: what a server asks of them, and what it tells them."""
