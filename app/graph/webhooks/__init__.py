"""Stored webhooks."""
