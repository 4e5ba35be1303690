"""The terminal of the interactive client: the prompt, its keys and completion, and the one writer to the screen."""
