"""Events in, rich text out: lines, Markdown, emoji, mentions."""
