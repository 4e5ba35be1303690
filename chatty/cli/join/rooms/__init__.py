"""Several rooms in one transcript: which are open, which is in front, and what is remembered of them."""
