"""Maintenance of the store: its schema, the check and repair of its index, counts from it, backups and copies."""
