"""Reads of one query level, sent as one request to the store."""
