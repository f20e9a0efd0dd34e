"""Checks, incidents and health."""
