"""The audit trail: the log as a Merkle tree, the chain that refuses a rewritten history, and the proofs between them."""
