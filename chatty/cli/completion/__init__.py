"""Help, and the answers to a shell that completes a command line."""
