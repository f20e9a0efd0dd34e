"""Shared by command handlers: rights and preconditions, declared edges, effects of edges, and gate evidence."""
