"""Declarations of the fields of types: stored values, relations, connections, filters and scalars."""
