"""The one mixed index over vertices. Vertices without an indexed property, such as checks, are not in it."""

from typing import Final

INDEX: Final = "nodes"
"""Name of the index."""

BACKEND: Final = "search"
"""Name of its backend in the settings of JanusGraph, which has the documents of all mixed indexes."""
