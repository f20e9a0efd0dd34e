"""The work of the sensitivity job on one entry: its recomputation, and the sources and ranks that it has read."""
