"""Owners, tags, life cycle, aliases, gate reports, approvals and audit."""
