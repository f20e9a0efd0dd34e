"""Observability: checks with their results, incidents, and the health of assets."""
