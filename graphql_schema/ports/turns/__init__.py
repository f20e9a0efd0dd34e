"""Turns: how the work of all callers shares the event loop."""
