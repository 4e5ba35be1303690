"""What tests of every part share: a real server process, and a network that misbehaves."""
