"""Who asks, and what for: credentials, routes with their actions, and the handlers for tokens, roles and rules."""
