"""Execution of an operation over vectors: the plan of a document, the columns of leaves, and the calls of resolvers."""
