"""The parts of commands for scripts: streams, lines, cursor file, sender, follower, exporter, bot, reporter."""
