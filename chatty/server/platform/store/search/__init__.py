"""Full-text search: an index of its own, behind the database, and the queries over it."""
