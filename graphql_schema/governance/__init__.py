"""Owners, tags, life cycle, aliases, approvals and audit."""
