"""The log: takes proposed entries, and gives committed batches in one order."""
