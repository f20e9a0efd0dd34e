"""Reads of one query level, batched into one request to the store."""
