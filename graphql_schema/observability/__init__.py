"""Observability: checks, incidents, the health of assets, ingestions of events, and explanations of absence."""
