"""Stored values and pure functions on them; no I/O."""
