"""Sends items and calls to the API."""
