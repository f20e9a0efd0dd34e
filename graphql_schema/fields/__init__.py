"""Declarations of the fields of types: stored values, relations, connections, filters and scalars.

The context that all resolvers share is here as well.
"""
