"""Maintenance of the store: its schema, the check and repair of its index, backups, copies and probes."""
