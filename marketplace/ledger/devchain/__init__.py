"""The development chain: a real EVM in one SQLite file behind JSON-RPC on loopback, so that nobody needs a node to begin."""
