"""Text for a person: cleaned, folded, quoted, as plain lines."""
