"""Webhooks: changes that the server sends to an address of the caller."""
