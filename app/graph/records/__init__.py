"""Stored values and functions on them; no request to the store."""
