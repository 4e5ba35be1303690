"""One person in one room: what comes in, what is typed, and what commands do. Knows no terminal."""
