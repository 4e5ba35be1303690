"""The parts of commands for scripts: streams, lines, the cursor file, sender, follower, exporter, bot, reporter."""
