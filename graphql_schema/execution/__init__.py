"""Execution of an operation over vectors: plans, columns of leaves, calls of resolvers; the thread for long work."""
