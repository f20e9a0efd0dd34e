"""Maintenance of the store: its schema and its index."""
