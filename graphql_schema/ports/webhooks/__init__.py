"""Webhooks as the schema uses them and as they are stored."""
