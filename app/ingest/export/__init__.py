"""Reads all items back from the API."""
