"""Webhooks: the server reads the changes that the owner of a webhook may see, and sends them, signed."""
