"""The server of NATS that ``chatty cluster serve`` runs beside a node: its configuration and its process."""
