"""The log of a cluster: a JetStream stream of NATS, which every node tails and applies to its own store."""
