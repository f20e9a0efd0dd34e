"""Many outbox entries: in memory by kind and caller, and read from the store in pages."""
