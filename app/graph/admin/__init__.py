"""Maintenance of the store: its schema, and the rebuild of its index."""
