"""Turns: which process may write next, and what a job works on next."""
